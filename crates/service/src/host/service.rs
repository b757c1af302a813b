//! A service at work: serving, following, and going down in order.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use futures_core::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::admin::Admin;
use super::request::HttpMetrics;
use crate::{Control, FollowerStatus};

/// A part of a service that runs until it is told to stop.
pub(crate) type Task = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// A service that is bound to its address; [`Service::run`] runs it.
pub struct Service {
    pub(crate) name: String,
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) tasks: Vec<Task>,
    pub(crate) draining: CancellationToken,
    pub(crate) drain_max: Duration,
    pub(crate) metrics: HttpMetrics,
}

/// Why a service ended other than as told.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The server failed.
    #[error("the HTTP server failed: {0}")]
    Server(std::io::Error),
    /// Requests were cut off, since they took longer than the service may take to go down.
    #[error("{requests} requests were still in flight after {waited:?} and were cut off")]
    Drain {
        /// How many.
        requests: i64,
        /// How long they were given.
        waited: Duration,
    },
}

/// What others know of a running service. Cheap to clone.
#[derive(Clone)]
pub struct ServiceHandle {
    pub(crate) address: SocketAddr,
    pub(crate) admin: Arc<Admin>,
}

impl ServiceHandle {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it can take requests: every projection and reaction has caught up once, or cannot by itself.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.admin.is_ready()
    }

    /// How its projections, reactions and process managers are doing.
    #[must_use]
    pub fn followers(&self) -> Vec<FollowerStatus> {
        self.admin.statuses()
    }

    /// What can be asked of one of them.
    #[must_use]
    pub fn control(&self, name: &str) -> Option<Control> {
        let found = self.admin.followers.iter().find(|watched| watched.status.name() == name)?;
        Some(found.control.clone())
    }
}

impl Service {
    /// Runs until `shutdown`, then lets requests in flight end, and then everything else.
    ///
    /// # Errors
    /// [`ServiceError`] if the server fails, or requests had to be cut off.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServiceError> {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for task in self.tasks {
            tasks.spawn(task(stop.clone()));
        }
        tracing::info!(service = self.name, address = ?self.listener.local_addr().ok(), "serving");
        let listener = self.listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps its delay");
            }
        });
        let serve = axum::serve(listener, self.router).with_graceful_shutdown(self.draining.clone().cancelled_owned());
        let mut server = tokio::spawn(serve.into_future());
        let mut shutdown = std::pin::pin!(shutdown);
        let early = loop {
            tokio::select! {
                ended = &mut server => break Some(ended),
                () = &mut shutdown => break None,
                Some(ended) = tasks.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(service = self.name, %error, "a part of the service fell; restart it to go on");
                    }
                }
            }
        };
        // Streams end by this, new requests on old connections are refused, and the listener closes.
        self.draining.cancel();
        let outcome = match early {
            Some(ended) => flatten(ended),
            None => drain(&self.name, &mut server, self.drain_max, &self.metrics).await,
        };
        stop.cancel();
        let followers_ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(self.drain_max, followers_ended).await.is_err() {
            tracing::warn!(service = self.name, "projections or reactions did not end in time; they go on next time");
        }
        tracing::info!(service = self.name, "down");
        outcome
    }
}

type Ended = Result<Result<(), std::io::Error>, tokio::task::JoinError>;

fn flatten(ended: Ended) -> Result<(), ServiceError> {
    ended.map_err(std::io::Error::other).and_then(|served| served).map_err(ServiceError::Server)
}

async fn drain(
    name: &str,
    server: &mut tokio::task::JoinHandle<Result<(), std::io::Error>>,
    waited: Duration,
    metrics: &HttpMetrics,
) -> Result<(), ServiceError> {
    tracing::info!(service = name, in_flight = metrics.in_flight(), "draining");
    match tokio::time::timeout(waited, &mut *server).await {
        Ok(ended) => flatten(ended),
        Err(_) => {
            let requests = metrics.in_flight();
            server.abort();
            if requests == 0 {
                // Only idle connections were left.
                return Ok(());
            }
            Err(ServiceError::Drain { requests, waited })
        }
    }
}
