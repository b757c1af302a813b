//! A service behind the gateway, and where its instances are.
//!
//! An [`Upstream`] has a name and a changing set of addresses; each address is an [`endpoint::Endpoint`], which counts
//! what is under way there, and `choice` picks one of them for a request. `connections` sends it.

mod choice;
mod connections;
mod endpoint;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub(crate) use connections::{Connection, Connections, NoAnswer};
pub(crate) use endpoint::{Endpoint, UnderWay};

/// A service and the addresses of its instances, which come and go while requests are under way. Cheap to clone: all
/// clones are one.
#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    endpoints: watch::Sender<Arc<[Arc<Endpoint>]>>,
}

impl Upstream {
    /// A service at these addresses.
    #[must_use]
    pub fn new(name: &str, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let upstream = Self(Arc::new(Inner { name: name.into(), endpoints: watch::Sender::new(Arc::new([])) }));
        upstream.set_addresses(addresses);
        upstream
    }

    /// The service's name, for logs and metrics.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// Where its instances are, in ascending order.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.endpoints.borrow().iter().map(|endpoint| endpoint.address()).collect()
    }

    /// Says where its instances are from now on. What is under way at one that is left out goes on; what is known of one
    /// that stays is kept.
    pub fn set_addresses(&self, addresses: impl IntoIterator<Item = SocketAddr>) {
        let addresses: BTreeSet<SocketAddr> = addresses.into_iter().collect();
        self.0.endpoints.send_if_modified(|endpoints| {
            if endpoints.iter().map(|endpoint| endpoint.address()).eq(addresses.iter().copied()) {
                return false;
            }
            let known = |address| endpoints.iter().find(|endpoint| endpoint.address() == address).map(Arc::clone);
            let kept = |address| known(address).unwrap_or_else(|| Arc::new(Endpoint::new(address)));
            *endpoints = addresses.iter().map(|address| kept(*address)).collect();
            true
        });
    }

    /// The instance that the next request goes to, if there is any: one that was not met in vain if possible.
    pub(crate) fn choose(&self, in_vain: &[SocketAddr]) -> Option<Arc<Endpoint>> {
        choice::least_of_two(&self.0.endpoints.borrow(), in_vain).map(Arc::clone)
    }

    /// Whether there is an instance besides these.
    pub(crate) fn has_other_than(&self, in_vain: &[SocketAddr]) -> bool {
        self.0.endpoints.borrow().iter().any(|endpoint| !in_vain.contains(&endpoint.address()))
    }

    /// Waits until the addresses are others, but no longer than this.
    pub(crate) async fn wait_for_change(&self, at_most: Duration) {
        // The sender lives in here, so it cannot be gone; and a pause that is over is no error.
        let _ = tokio::time::timeout(at_most, self.0.endpoints.subscribe().changed()).await;
    }
}

impl PartialEq for Upstream {
    /// Whether both are clones of one.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Upstream {}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("name", &self.0.name).field("addresses", &self.addresses()).finish()
    }
}

#[cfg(test)]
mod tests;
