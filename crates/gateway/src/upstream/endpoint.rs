//! One instance of a service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Uri, uri};

/// Where an instance listens, and how much is under way there.
#[derive(Debug)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    /// The same as a part of a URI; none never comes about, since every socket address is one.
    authority: Option<Authority>,
    under_way: AtomicUsize,
}

/// Counts one request as being under way at an instance for as long as it lives.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Endpoint>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Endpoint {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, authority: address.to_string().parse().ok(), under_way: AtomicUsize::new(0) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests are under way there.
    pub(crate) fn load(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Counts a request.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// The same path and query at this instance.
    pub(crate) fn target(&self, asked: &Uri) -> Uri {
        let mut parts = uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority.clone_from(&self.authority);
        parts.path_and_query = asked.path_and_query().cloned().or_else(|| Some(PathAndQuery::from_static("/")));
        // All three parts are there, which is what a URI needs.
        Uri::from_parts(parts).unwrap_or_default()
    }
}
