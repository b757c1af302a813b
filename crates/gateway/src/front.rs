//! One address before all instances of a service, for its neighbours.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tradewind_http::{Limits, Server};

use crate::proxy::Proxy;
use crate::server::serve;
use crate::{Action, BindError, GatewayHandle, PathPattern, Route, Upstream};

/// A listener that passes everything, whatever its path, to one service: to those inside what the service's own address
/// would be to them if it had only one.
pub struct Front {
    server: Server,
    proxy: Arc<Proxy>,
    route: Arc<Route>,
}

/// What the route of a front is called, where routes are told apart; no path is.
const FRONT: &str = "front";

impl GatewayHandle {
    /// Listens for one service alone, with the gateway's connections, limits and metrics.
    ///
    /// # Errors
    /// [`BindError`] if the address cannot be listened on.
    pub async fn front(&self, address: SocketAddr, upstream: Upstream) -> Result<Front, BindError> {
        let proxy = Arc::clone(&self.0);
        // Neighbours are few, and ask much.
        let limits = Limits { connections_per_address_max: usize::MAX, ..proxy.options.limits };
        let bound = Server::bind(address, limits).await;
        let server = bound.map_err(|error| BindError { address, error })?;
        let mut route = Route::to(PathPattern::all(), Action::Forward(upstream));
        route.name = FRONT.into();
        let route = Arc::new(route);
        proxy.note(&route);
        Ok(Front { server, proxy, route })
    }
}

impl Front {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Serves until `shutdown`, and drains as the gateway does, but on its own.
    pub fn run(self, shutdown: CancellationToken) -> BoxFuture<'static, ()> {
        let Self { server, proxy, route } = self;
        Box::pin(serve(server, proxy, Some(route), shutdown))
    }
}
