//! The server as a process runs it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use futures_core::future::BoxFuture;
use hyper_util::service::TowerToHyperService;
use tradewind_events::EventStore;

use super::{ServerOptions, router};

/// A listening server that does not serve yet.
pub struct Server {
    inner: tradewind_http::Server,
    router: Router,
    options: ServerOptions,
}

/// Why a store is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or is not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl Server {
    /// Listens on an address; port 0 takes a free one.
    ///
    /// # Errors
    /// [`ServeError::Listen`].
    pub async fn bind(
        address: SocketAddr,
        store: Arc<dyn EventStore>,
        options: ServerOptions,
    ) -> Result<Self, ServeError> {
        Self::bind_router(address, router(store, options.clone()), options).await
    }

    /// The same for any router, as one in which the store's is nested.
    ///
    /// # Errors
    /// [`ServeError::Listen`].
    pub async fn bind_router(address: SocketAddr, router: Router, options: ServerOptions) -> Result<Self, ServeError> {
        let bound = tradewind_http::Server::bind(address, options.limits).await;
        let inner = bound.map_err(|source| ServeError::Listen { address, source })?;
        Ok(Self { inner, router, options })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.inner.local_addr()
    }

    /// Serves until the options' `shutdown` is cancelled; then takes no more connections, ends live streams, and
    /// lets the requests on their way finish, within `drain_within`.
    pub fn run(self) -> BoxFuture<'static, ()> {
        let Self { inner, router, options } = self;
        // Boxed here, so that it is compiled here: the body of an async function is compiled by who awaits it.
        Box::pin(async move {
            inner.run(move |_| TowerToHyperService::new(router.clone()), options.shutdown, options.drain_within).await;
        })
    }
}
