//! A bounded set of connections, and trying again when the database was away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::connect::{Connection, Server};
use super::failure::Failure;
use crate::retry::Backoff;

/// How often it is said again that the database is still away.
const REMIND_EVERY: Duration = Duration::from_secs(10);

/// Connections to one server, made when they are needed and kept.
pub(super) struct Pool {
    /// What its connections are for.
    role: &'static str,
    pub(super) server: Arc<Server>,
    idle: Mutex<Vec<Arc<Connection>>>,
    room: Semaphore,
    /// Whether somebody has said already that the database is away.
    away: AtomicBool,
}

/// What came of trying: the failure, and whether an attempt may have been carried out whose answer was lost.
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) reached: bool,
}

impl Pool {
    pub(super) fn new(role: &'static str, server: Arc<Server>, connections_max: usize) -> Self {
        let room = Semaphore::new(connections_max.max(1));
        Self { role, server, idle: Mutex::default(), room, away: AtomicBool::new(false) }
    }

    /// Runs work on a connection of its own, and again on another for as long as the options say when the database
    /// goes away. The work must be such that repeating it does no harm.
    pub(super) async fn run<T, W, F>(&self, work: W) -> Result<T, Failed>
    where
        W: Fn(Arc<Connection>) -> F,
        F: Future<Output = Result<T, Failure>>,
    {
        let options = &self.server.options;
        let turn = tokio::time::timeout(options.answer_within, self.room.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            let waited = format!("no connection was free within {} s", options.answer_within.as_secs());
            return Err(Failed { failure: Failure::Slow(waited), reached: false });
        };
        // Its clock begins with the first failure, which itself may have taken long to be noticed.
        let mut backoff: Option<Backoff> = None;
        let (mut reached, mut said) = (false, None);
        loop {
            let failure = match self.try_once(&work, &mut reached).await {
                Ok(done) => {
                    if self.away.swap(false, Ordering::Relaxed) {
                        tracing::info!("PostgreSQL is back: {}", self.server.url.place());
                    }
                    return Ok(done);
                }
                Err(failure) => failure,
            };
            if !failure.passes() {
                return Err(Failed { failure, reached });
            }
            self.say(&failure, &mut said);
            let backoff = backoff
                .get_or_insert_with(|| Backoff::new(options.pause_first, options.pause_max, Some(options.retry_for)));
            if !backoff.pause().await {
                return Err(Failed { failure: self.explained(failure), reached });
            }
        }
    }

    async fn try_once<T, W, F>(&self, work: &W, reached: &mut bool) -> Result<T, Failure>
    where
        W: Fn(Arc<Connection>) -> F,
        F: Future<Output = Result<T, Failure>>,
    {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) if !connection.client.is_closed() => connection,
            _ => Arc::new(self.server.connect(self.role, None).await?),
        };
        // The server ends a statement that takes too long; this is for a server that is not there any more.
        let outcome = self.server.answered(work(Arc::clone(&connection))).await;
        *reached |= outcome.as_ref().is_err_and(Failure::may_be_done);
        // A connection that was cut off in the middle is not kept, and one that led astray neither.
        if outcome.as_ref().err().is_none_or(Failure::leaves_the_connection) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        } else {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        outcome
    }

    fn explained(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Away(why) => {
                let waited = self.server.options.retry_for.as_secs();
                Failure::Away(format!("waited {waited} s for PostgreSQL at {}: {why}", self.server.url.place()))
            }
            other => other,
        }
    }

    /// Says once, and from time to time, what is waited for.
    fn say(&self, failure: &Failure, said: &mut Option<Instant>) {
        let first = !self.away.swap(true, Ordering::Relaxed);
        if first || said.is_some_and(|said| said.elapsed() >= REMIND_EVERY) {
            tracing::warn!("waiting for PostgreSQL at {}: {failure}", self.server.url.place());
            *said = Some(Instant::now());
        }
        said.get_or_insert_with(Instant::now);
    }
}
