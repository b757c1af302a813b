//! How many connections come from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Network;

/// How often it is told that some are refused.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Counts connections by where they come from, so that one machine cannot take all places.
pub(super) struct Addresses {
    at_most: usize,
    /// Those that may have as many as they like.
    unlimited: Vec<Network>,
    counts: Arc<Counts>,
    complained: Option<Instant>,
}

type Counts = Mutex<HashMap<IpAddr, usize>>;

/// One connection among those of its address.
#[derive(Debug)]
pub(super) struct OfAddress {
    address: IpAddr,
    counts: Arc<Counts>,
}

/// An address has as many connections as it may.
pub(super) struct TooMany;

impl Addresses {
    pub(super) fn new(at_most: usize, unlimited: Vec<Network>) -> Self {
        Self { at_most, unlimited, counts: Arc::default(), complained: None }
    }

    /// Counts one more; nothing is counted where there is no limit.
    pub(super) fn count(&mut self, address: IpAddr) -> Result<Option<OfAddress>, TooMany> {
        if self.at_most == usize::MAX || self.unlimited.iter().any(|network| network.contains(address)) {
            return Ok(None);
        }
        let address = party(address);
        let mut counts = held(&self.counts);
        let count = counts.entry(address).or_default();
        if *count < self.at_most {
            *count += 1;
            return Ok(Some(OfAddress { address, counts: Arc::clone(&self.counts) }));
        }
        drop(counts);
        if self.complained.is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY) {
            tracing::warn!(%address, "closed a connection: there are {} from its address already", self.at_most);
            self.complained = Some(Instant::now());
        }
        Err(TooMany)
    }
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let mut counts = held(&self.counts);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

fn held(counts: &Counts) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The part of an address that one party has for itself: of IPv6 the first 64 bits.
fn party(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_party_has_its_own_number_and_what_is_over_is_forgotten() {
        let mut addresses = Addresses::new(2, vec!["10.0.0.0/8".parse().unwrap()]);
        let mut count = |text: &str| addresses.count(text.parse().unwrap());
        let (one, two) = (count("192.0.2.1").ok().flatten(), count("::ffff:192.0.2.1").ok().flatten());
        assert!(one.is_some() && two.is_some() && count("192.0.2.1").is_err());
        assert!(count("192.0.2.2").is_ok_and(|counted| counted.is_some()), "another one");
        let of_one_party = [count("2001:db8::1"), count("2001:db8::2:1")];
        assert!(of_one_party.iter().all(Result::is_ok) && count("2001:db8::3").is_err());
        assert!(count("2001:db8:0:1::1").is_ok(), "another one");
        assert!((0..5).all(|_| count("10.0.0.1").is_ok()), "these have no limit");
        drop(one);
        let again = count("192.0.2.1");
        assert!(again.is_ok() && count("192.0.2.1").is_err());
        drop((two, again, of_one_party));
        assert!(held(&addresses.counts).is_empty());
    }
}
