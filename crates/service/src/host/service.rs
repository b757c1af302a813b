//! A service at work: serving, following, and going down in order.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_core::future::BoxFuture;
use hyper_util::service::TowerToHyperService;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tradewind_broker::{RelayHandle, RelayStatus};
use tradewind_http::{CutOff, Server};

use super::admin::Admin;
use super::parts::{Fallen, Part, Parts};
use super::request::HttpMetrics;
use crate::{Control, DeadLetters, FollowerStatus};

/// A service that is bound to its address; [`Service::run`] runs it.
pub struct Service {
    pub(crate) name: String,
    pub(crate) server: Server,
    pub(crate) router: Router,
    pub(super) parts: Vec<Part>,
    pub(super) fallen: Fallen,
    pub(crate) draining: CancellationToken,
    pub(crate) drain_max: Duration,
    pub(crate) metrics: HttpMetrics,
}

/// Why a service ended other than as told.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The server fell.
    #[error("the HTTP server fell: {0}")]
    Server(JoinError),
    /// Requests were cut off, since they took longer than the service may take to go down.
    #[error("{requests} requests were still in flight after {waited:?} and were cut off")]
    Drain {
        /// How many.
        requests: usize,
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

    /// Whether it can take requests: every projection and reaction has caught up once, or cannot by itself, and no
    /// part of it has fallen.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.admin.is_ready()
    }

    /// How its projections, reactions and process managers are doing.
    #[must_use]
    pub fn followers(&self) -> Vec<FollowerStatus> {
        self.admin.statuses()
    }

    /// How publishing on a broker is doing, if the service does.
    #[must_use]
    pub fn relay(&self) -> Option<RelayStatus> {
        self.admin.relay.as_ref().map(RelayHandle::status)
    }

    /// What can be asked of one of them.
    #[must_use]
    pub fn control(&self, name: &str) -> Option<Control> {
        let found = self.admin.followers.iter().find(|watched| watched.status.name() == name)?;
        Some(found.control.clone())
    }

    /// What one of its projections, reactions or process managers has set aside.
    #[must_use]
    pub fn dead_letters(&self, name: &str) -> Option<DeadLetters> {
        self.admin.followers.iter().find(|watched| watched.status.name() == name)?.dead_letters.clone()
    }
}

impl Service {
    /// All its routes, as it serves them, for asking it from within its own process.
    pub fn routes(&self) -> Router {
        self.router.clone()
    }

    /// Runs until `shutdown`, then lets requests in flight end, and then everything else.
    ///
    /// # Errors
    /// [`ServiceError`] if the server fails, or requests had to be cut off.
    pub fn run<'a>(self, shutdown: impl Future<Output = ()> + Send + 'a) -> BoxFuture<'a, Result<(), ServiceError>> {
        self.run_boxed(Box::pin(shutdown))
    }

    /// Not generic, and boxed here, so that it is compiled here: an async function's body is compiled by who awaits it.
    fn run_boxed(self, shutdown: BoxFuture<'_, ()>) -> BoxFuture<'_, Result<(), ServiceError>> {
        Box::pin(self.run_until(shutdown))
    }

    async fn run_until(self, mut shutdown: BoxFuture<'_, ()>) -> Result<(), ServiceError> {
        let stop = CancellationToken::new();
        let mut parts = Parts::start(self.parts, self.fallen, &stop);
        tracing::info!(service = self.name, address = %self.server.local_addr(), "serving");
        let make = move |_| TowerToHyperService::new(self.router.clone());
        let mut server = tokio::spawn(self.server.run(make, self.draining.clone(), self.drain_max));
        let early = loop {
            tokio::select! {
                ended = &mut server => break Some(ended),
                () = &mut shutdown => break None,
                true = parts.next_end() => {}
            }
        };
        // Streams end by this, new requests on old connections are refused, and the listener closes.
        self.draining.cancel();
        tracing::info!(service = self.name, in_flight = self.metrics.in_flight(), "draining");
        let ended = match early {
            Some(ended) => ended,
            None => server.await,
        };
        let outcome = match ended {
            Ok(CutOff { requests: 0, .. }) => Ok(()),
            Ok(CutOff { requests, .. }) => Err(ServiceError::Drain { requests, waited: self.drain_max }),
            Err(fell) => Err(ServiceError::Server(fell)),
        };
        stop.cancel();
        let followers_ended = async { while parts.next_end().await {} };
        if tokio::time::timeout(self.drain_max, followers_ended).await.is_err() {
            tracing::warn!(service = self.name, "projections or reactions did not end in time; they go on next time");
        }
        tracing::info!(service = self.name, "down");
        outcome
    }
}
