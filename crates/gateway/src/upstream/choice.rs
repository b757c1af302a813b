//! Which instance gets a request.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Endpoint;

/// The one with less under way of two that are picked by chance (Mitzenmacher 2001): nearly as even as asking all of
/// them, and without the herd that would run to the one that is idle. Only when all were met in vain, one of these.
pub(super) fn least_of_two<'e>(endpoints: &'e [Arc<Endpoint>], in_vain: &[SocketAddr]) -> Option<&'e Arc<Endpoint>> {
    if let [only] = endpoints {
        return Some(only);
    }
    let fresh: Vec<&Arc<Endpoint>> =
        endpoints.iter().filter(|endpoint| !in_vain.contains(&endpoint.address())).collect();
    two_by_chance(&fresh).or_else(|| two_by_chance(&endpoints.iter().collect::<Vec<_>>()))
}

fn two_by_chance<'e>(among: &[&'e Arc<Endpoint>]) -> Option<&'e Arc<Endpoint>> {
    if among.len() < 2 {
        return among.first().copied();
    }
    let first = fastrand::usize(..among.len());
    // Any of the others, with the same chance.
    let second = (first + fastrand::usize(1..among.len())) % among.len();
    let (one, other) = (among[first], among[second]);
    Some(if other.load() < one.load() { other } else { one })
}
