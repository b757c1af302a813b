//! Listening, serving, draining.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tradewind_events::ErrorCode;

use crate::proxy::Proxy;
use crate::{Options, RouteTable};

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("the gateway cannot listen on {address}: {error}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// Why not.
    pub error: io::Error,
}

impl BindError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        ErrorCode::PORT_IN_USE
    }
}

/// A gateway that listens and does not serve yet.
pub struct Gateway {
    listener: TcpListener,
    address: SocketAddr,
    proxy: Arc<Proxy>,
}

impl Gateway {
    /// Listens, so that a taken port is known before anything else is started.
    ///
    /// # Errors
    /// [`BindError`] if the address cannot be listened on.
    pub async fn bind(options: Options, routes: RouteTable) -> Result<Self, BindError> {
        let refused = |error| BindError { address: options.listen, error };
        let listener = TcpListener::bind(options.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let proxy = Arc::new(Proxy::new(options, routes, CancellationToken::new()));
        Ok(Self { listener, address, proxy })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A handle on it.
    #[must_use]
    pub fn handle(&self) -> GatewayHandle {
        GatewayHandle(Arc::clone(&self.proxy))
    }

    /// Serves until `shutdown`; then takes no more connections, ends event streams, and waits a bounded time for
    /// the requests that are in flight.
    pub async fn run(self, shutdown: CancellationToken) {
        let connections = Connections::new(Arc::clone(&self.proxy));
        loop {
            let permit = tokio::select! {
                permit = Arc::clone(&connections.room).acquire_owned() => permit,
                () = shutdown.cancelled() => break,
            };
            // The semaphore is never closed.
            let Ok(permit) = permit else { break };
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, client)) => connections.serve(stream, client, permit),
                    Err(error) => pause_after(&error).await,
                },
                () = shutdown.cancelled() => break,
            }
        }
        drop(self.listener);
        self.proxy.stop.cancel();
        connections.drain().await;
    }
}

/// An error of one connection is over with it; when file descriptors or memory are short, waiting is all there is.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::warn!(%error, "cannot accept connections, trying again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

struct Connections {
    proxy: Arc<Proxy>,
    http: auto::Builder<TokioExecutor>,
    graceful: GracefulShutdown,
    room: Arc<Semaphore>,
    /// Ends those that are still there when the time to drain is over.
    abort: CancellationToken,
}

impl Connections {
    fn new(proxy: Arc<Proxy>) -> Self {
        let (timeouts, limits) = (proxy.options.timeouts, proxy.options.limits);
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(timeouts.request_head)
            .max_headers(limits.headers)
            .max_buf_size(limits.head_bytes.max(8 * 1024));
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams_per_connection)
            .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
            .keep_alive_interval(Duration::from_secs(30));
        let room = Arc::new(Semaphore::new(limits.connections));
        Self { proxy, http, graceful: GracefulShutdown::new(), room, abort: CancellationToken::new() }
    }

    fn serve(&self, stream: TcpStream, client: SocketAddr, permit: OwnedSemaphorePermit) {
        // Without it small answers would wait for more; it can only fail on a dead connection.
        let _ = stream.set_nodelay(true);
        let proxy = Arc::clone(&self.proxy);
        let service = service_fn(move |request| {
            let proxy = Arc::clone(&proxy);
            async move { Ok::<_, Infallible>(proxy.answer(request, client).await) }
        });
        let connection = self.http.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let connection = self.graceful.watch(connection);
        let (open, abort) = (self.proxy.metrics.connection(), self.abort.clone());
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%client, %error, "connection ended");
                },
                () = abort.cancelled() => {}
            }
            drop((open, permit));
        });
    }

    async fn drain(self) {
        let within = self.proxy.options.timeouts.drain;
        if tokio::time::timeout(within, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still in flight after {within:?} and have been cut off");
        }
        self.abort.cancel();
    }
}

/// Changes a running gateway. Cheap to clone.
#[derive(Clone)]
pub struct GatewayHandle(Arc<Proxy>);

impl GatewayHandle {
    /// Puts other routes in place of the present ones; requests that are under way go on as they began.
    pub fn replace_routes(&self, routes: RouteTable) {
        *self.0.routes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(routes);
    }
}
