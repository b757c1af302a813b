//! Listening, serving, draining.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::service::service_fn;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tradewind_http::{Network, Peer, Server};

use crate::cache::Purge;
use crate::forwarded::Client;
use crate::metrics::Open;
use crate::proxy::Proxy;
use crate::{Options, Plan, Route};

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("the gateway cannot listen on {address}: {error}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// Why not.
    pub error: io::Error,
}

/// A gateway that listens and does not serve yet.
pub struct Gateway {
    server: Server,
    proxy: Arc<Proxy>,
}

/// A client's connection, which counts for as long as anybody has a clone of it.
#[derive(Clone)]
pub(crate) struct ClientConnection {
    pub(crate) address: SocketAddr,
    pub(crate) over_tls: bool,
    /// It is of a proxy that is believed what it says of the client.
    pub(crate) is_trusted: bool,
    /// Its listener drains.
    pub(crate) stop: CancellationToken,
    _held: Arc<(Peer, Open)>,
}

impl ClientConnection {
    /// Whoever is connected, for itself or for others.
    pub(crate) fn peer(&self) -> Client {
        Client { address: self.address.ip(), over_tls: self.over_tls }
    }
}

/// How long the last lines of the access log are waited for.
const LAST_LINES: Duration = Duration::from_secs(1);

impl Gateway {
    /// Listens, so that a taken port is known before anything else is started.
    ///
    /// # Errors
    /// [`BindError`] if the address cannot be listened on.
    pub async fn bind(options: Options, plan: impl Into<Plan>) -> Result<Self, BindError> {
        let address = options.listen;
        let bound = Server::bind(address, options.limits).await;
        let server = bound.map_err(|error| BindError { address, error })?;
        let unlimited = Network::loopback().into_iter().chain(options.trusted.iter().copied());
        let server = server.with_unlimited(unlimited.collect());
        let server = match options.tls.clone() {
            Some(tls) => server.with_tls(tls),
            None => server,
        };
        let proxy = Arc::new(Proxy::new(options, plan.into()));
        Ok(Self { server, proxy })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// A handle on it.
    #[must_use]
    pub fn handle(&self) -> GatewayHandle {
        GatewayHandle(Arc::clone(&self.proxy))
    }

    /// Serves until `shutdown`; then says for a while that it is not ready, takes no more connections, ends event streams,
    /// and waits a bounded time for the requests that are in flight.
    pub fn run(self, shutdown: CancellationToken) -> BoxFuture<'static, ()> {
        // Boxed here, so that it is compiled here: the body of an async function is compiled by who awaits it.
        Box::pin(self.run_until(shutdown))
    }

    async fn run_until(self, shutdown: CancellationToken) {
        let Self { server, proxy } = self;
        for upstream in proxy.upstreams() {
            upstream.start();
        }
        let (leaving, unready, access) =
            (proxy.leaving.clone(), proxy.options.timeouts.unready, proxy.options.access.clone());
        let drain = CancellationToken::new();
        let leave = async {
            shutdown.cancelled().await;
            leaving.cancel();
            if !unready.is_zero() {
                sleep(unready).await;
            }
            drain.cancel();
        };
        tokio::join!(serve(server, proxy, None, drain.clone()), leave);
        if let Some(access) = access {
            access.written(LAST_LINES).await;
        }
    }
}

/// Serves a listener: by the plan, or all of it by one route.
pub(crate) async fn serve(server: Server, proxy: Arc<Proxy>, only: Option<Arc<Route>>, shutdown: CancellationToken) {
    let drain = proxy.options.timeouts.drain;
    let stop = CancellationToken::new();
    let draining = stop.clone();
    let make = move |peer: Peer| {
        let held = Arc::new((peer.clone(), proxy.metrics.connection()));
        let Peer { address, over_tls, .. } = peer;
        let is_trusted = proxy.options.trusted.iter().any(|network| network.contains(address.ip()));
        let client = ClientConnection { address, over_tls, is_trusted, stop: stop.clone(), _held: held };
        let (proxy, only) = (Arc::clone(&proxy), only.clone());
        service_fn(move |request| {
            let (proxy, only, client) = (Arc::clone(&proxy), only.clone(), client.clone());
            // Boxed, since hyper moves what it is given, and the way of a request is some kilobytes long.
            async move {
                Ok::<_, Infallible>(match only {
                    Some(route) => Box::pin(proxy.pass(request, client, Some(&route))).await,
                    None => Box::pin(proxy.answer(request, client)).await,
                })
            }
        })
    };
    let streams_end = async {
        shutdown.cancelled().await;
        draining.cancel();
    };
    tokio::join!(server.run(make, shutdown.clone(), drain), streams_end);
}

/// Changes a running gateway. Cheap to clone.
#[derive(Clone)]
pub struct GatewayHandle(pub(crate) Arc<Proxy>);

impl GatewayHandle {
    /// Purges what is stored, if anything is. The number of answers that are concerned.
    pub fn purge(&self, purge: &Purge) -> usize {
        self.0.plan.load().cache.as_ref().map_or(0, |cache| cache.purge(purge))
    }

    /// Puts another plan in place of the present one, as a whole; requests that are under way go on as they began,
    /// rates that are limited as before are counted on, and what is stored stays.
    pub fn replace(&self, plan: impl Into<Plan>) {
        let plan: Plan = plan.into();
        for upstream in plan.upstreams() {
            upstream.start();
        }
        let before = self.0.plan.load();
        self.0.plan.store(Arc::new(plan.continuing(&before)));
    }
}
