//! Which instance gets a request.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::time::Instant;

use super::Endpoint;
use super::options::Balance;

/// The one that costs less of two that are picked by chance (Mitzenmacher 2001): nearly as even as asking all of them, and
/// without the herd that would run to the one that is idle. Those that are not in health, or were met in vain, come last.
pub(super) fn best_of_two<'e>(
    endpoints: &'e [Arc<Endpoint>],
    in_vain: &[SocketAddr],
    balance: &Balance,
) -> Option<&'e Arc<Endpoint>> {
    if let [only] = endpoints {
        return Some(only);
    }
    let now = Instant::now();
    let is_fresh = |endpoint: &Arc<Endpoint>| !in_vain.contains(&endpoint.address());
    if balance.panic_percent == 0 {
        // As it nearly always is: both are as good as can be, and nobody else need be looked at.
        let (one, other) = two_by_chance(endpoints)?;
        if [one, other].into_iter().all(|endpoint| endpoint.is_well(now) && is_fresh(endpoint)) {
            return Some(cheaper(one, other, balance, now));
        }
    }
    let all: Vec<&Arc<Endpoint>> = endpoints.iter().collect();
    let mut well: Vec<&Arc<Endpoint>> = all.iter().copied().filter(|endpoint| endpoint.is_well(now)).collect();
    if well.len() * 100 <= all.len() * usize::from(balance.panic_percent) {
        well.clone_from(&all);
    }
    let fresh = |among: &[&'e Arc<Endpoint>]| among.iter().copied().filter(|e| is_fresh(e)).collect::<Vec<_>>();
    let among = [fresh(&well), fresh(&all), well, all].into_iter().find(|among| !among.is_empty())?;
    match &*among {
        [only] => Some(only),
        among => two_by_chance(among).map(|(one, other)| cheaper(one, other, balance, now)),
    }
}

/// Two different ones, each pair with the same chance.
fn two_by_chance<T>(among: &[T]) -> Option<(&T, &T)> {
    if among.len() < 2 {
        return None;
    }
    let first = fastrand::usize(..among.len());
    let second = (first + fastrand::usize(1..among.len())) % among.len();
    Some((&among[first], &among[second]))
}

/// By the latency that is to be expected times what is under way, the request itself included. Who has not been measured
/// is taken to be as fast as the other.
fn cheaper<'e>(one: &'e Arc<Endpoint>, other: &'e Arc<Endpoint>, balance: &Balance, now: Instant) -> &'e Arc<Endpoint> {
    let noise = balance.noise.as_secs_f64();
    let (first, second) = match (one.latency().seconds(now), other.latency().seconds(now)) {
        (Some(first), Some(second)) => (first.max(noise), second.max(noise)),
        _ => (1.0, 1.0),
    };
    let cost = |endpoint: &Endpoint, latency: f64| {
        latency * (endpoint.load() + 1) as f64 / endpoint.share(balance.slow_start, now)
    };
    if cost(other, second) < cost(one, first) { other } else { one }
}
