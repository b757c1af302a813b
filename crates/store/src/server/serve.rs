//! The server as a process runs it: accepts, serves HTTP/1.1 and HTTP/2, drains.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tradewind_events::EventStore;

use super::{ServerOptions, router};

/// A listening server that does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
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

    /// The same for any router, as a feed's.
    ///
    /// # Errors
    /// [`ServeError::Listen`].
    pub async fn bind_router(address: SocketAddr, router: Router, options: ServerOptions) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, router, options })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the options' `shutdown` is cancelled; then takes no more connections, ends live streams, and
    /// lets the requests on their way finish, within `drain_within`.
    pub async fn run(self) {
        let Self { listener, router, options, .. } = self;
        let connections = TaskTracker::new();
        // Cancelled when the time to drain is over; what is still there then is dropped.
        let overdue = CancellationToken::new();
        let places = Arc::new(Semaphore::new(options.connections_max));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            let stream = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        // Out of file descriptors, mostly: others close some, so that trying again is right.
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
                () = options.shutdown.cancelled() => break,
            };
            prepare(&stream, options.stalled_max);
            let connection = serve(stream, router.clone(), options.shutdown.clone());
            let overdue = overdue.clone();
            connections.spawn(async move {
                let _place = place;
                tokio::select! {
                    () = connection => {}
                    () = overdue.cancelled() => {}
                }
            });
        }
        drop(listener);
        connections.close();
        if tokio::time::timeout(options.drain_within, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "dropped connections that did not drain in time");
            overdue.cancel();
            connections.wait().await;
        }
    }
}

/// Answers leave at once, and a client that is gone or takes nothing is found out.
fn prepare(stream: &TcpStream, stalled_max: Duration) {
    let socket = socket2::SockRef::from(stream);
    let prepared = socket.set_tcp_nodelay(true);
    #[cfg(target_os = "linux")]
    let prepared = prepared.and_then(|()| socket.set_tcp_user_timeout(Some(stalled_max)));
    #[cfg(not(target_os = "linux"))]
    let _ = stalled_max;
    if let Err(error) = prepared {
        tracing::debug!(%error, "a connection with the system's own settings");
    }
}

async fn serve(stream: TcpStream, router: Router, shutdown: CancellationToken) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(1_024);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended badly");
    }
}
