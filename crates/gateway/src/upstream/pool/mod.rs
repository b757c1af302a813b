//! The connections to one instance.
//!
//! Each request holds a slot from before it has a connection until its answer is read, so that there are never more
//! connections than slots; who finds none waits in a bounded queue, a bounded time. Idle connections are kept, the last
//! one on top, and looked at before they are used: `socket` asks the system whether anything has come.

mod connection;
mod socket;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tradewind_http::Patience;

use self::connection::{Connection, Http1, Http2, Stream};
use super::options::ConnectionLimits;
use super::{Deadline, Endpoint, NoAnswer, RequestBody};

pub(super) use connection::NotSent as Failure;

/// A connection that was in use so short a time ago is not looked at if the request could be sent again anyway: under load,
/// one system call less for each request. Services that close what is idle do so after seconds.
const TRUSTED: Duration = Duration::from_millis(100);

/// How long a connection may need to be ready again when its answer was read.
const SETTLING: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Pool {
    address: SocketAddr,
    limits: ConnectionLimits,
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    kept: Mutex<Kept>,
    /// One at a time opens an HTTP/2 connection: all who wait can use it.
    opening: tokio::sync::Mutex<()>,
    opened: AtomicU64,
}

#[derive(Debug)]
struct Kept {
    /// The one used last is last.
    idle: Vec<(Http1, Instant)>,
    shared: Vec<Shared>,
    /// The instance has been taken away: nothing is kept any more.
    closed: bool,
}

/// An HTTP/2 connection.
#[derive(Debug)]
struct Shared {
    connection: Http2,
    /// When it was first seen without a stream, if it has had none since then.
    idle_since: Option<Instant>,
}

/// How a request wants to be carried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Want {
    pub(super) http2: bool,
    /// On a connection that was opened after this one, on which it has failed, if it has.
    pub(super) newer_than: Option<u64>,
    /// It could be sent again if the connection turned out to be dead, whatever of it has been sent by then.
    pub(super) repeatable: bool,
    pub(super) connect: Duration,
}

/// A connection for the time of one request and its answer.
#[derive(Debug)]
pub(crate) struct Lease {
    connection: Connection,
    /// Somebody has used it before, and nobody has found out that all before it are dead.
    pub(super) reused: bool,
    slot: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.connection, Connection::Http2(_))
    }

    /// By which those of HTTP/2 that were opened later are known.
    pub(super) fn number(&self) -> u64 {
        match &self.connection {
            Connection::Http1(_) => 0,
            Connection::Http2(stream) => stream.number(),
        }
    }

    /// `repeatable`: it may be sent again whatever has become of it.
    pub(super) async fn send(
        &mut self,
        request: Request<RequestBody>,
        repeatable: bool,
    ) -> Result<Response<Incoming>, Failure> {
        self.connection.send(request, self.reused && !repeatable).await
    }

    /// The connection's timer, for the time of a request; none if it has none yet.
    pub(super) fn take_patience(&mut self) -> Option<Patience> {
        match &mut self.connection {
            Connection::Http1(connection) => connection.patience.take(),
            Connection::Http2(_) => None,
        }
    }

    /// Gives it back.
    pub(super) fn set_patience(&mut self, patience: Option<Patience>) {
        if let Connection::Http1(connection) = &mut self.connection {
            connection.patience = patience;
        }
    }

    /// Reads and writes what there is, if that is nobody else's task.
    pub(super) fn work(&mut self, context: &mut Context<'_>) {
        if let Connection::Http1(connection) = &mut self.connection {
            connection.work(context);
        }
    }

    /// The connection goes on as another protocol's.
    pub(super) fn detach(&mut self) {
        if let Connection::Http1(connection) = &mut self.connection {
            connection.detach();
        }
    }

    /// The whole answer was read: the connection is there for others.
    pub(super) fn give_back(self, to: &Arc<Endpoint>) {
        let Self { connection: Connection::Http1(mut connection), slot, .. } = self else { return };
        if connection.sender.is_ready() {
            to.pool().keep(connection);
        } else if !connection.sender.is_closed() {
            // It has still to read the end, or to write a request that was answered early.
            let to = Arc::clone(to);
            tokio::spawn(async move {
                if let Ok(Ok(())) = timeout(SETTLING, connection.settle()).await {
                    to.pool().keep(connection);
                }
                drop(slot);
            });
        }
    }
}

/// Counts one that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub(super) fn new(address: SocketAddr, limits: ConnectionLimits, http2: bool) -> Self {
        let each = if http2 { limits.streams_at_most.max(1) } else { 1 };
        let slots = limits.at_most.max(1).saturating_mul(each).min(Semaphore::MAX_PERMITS);
        Self {
            address,
            limits,
            slots: Arc::new(Semaphore::new(slots)),
            waiting: AtomicUsize::new(0),
            kept: Mutex::new(Kept { idle: Vec::new(), shared: Vec::new(), closed: false }),
            opening: tokio::sync::Mutex::new(()),
            opened: AtomicU64::new(0),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection for one request.
    pub(super) async fn take(&self, want: Want, deadline: Deadline) -> Result<Lease, NoAnswer> {
        let slot = self.slot(deadline).await?;
        let idle = if want.newer_than.is_some() || want.http2 { None } else { self.idle(want.repeatable) };
        if let Some(connection) = idle {
            return Ok(Lease { connection: Connection::Http1(connection), reused: true, slot });
        }
        let begun = Instant::now();
        let at_most = match deadline.at() {
            Some(at) => want.connect.min(at.saturating_duration_since(begun)),
            None => want.connect,
        };
        let taken = if want.http2 { self.shared(want.newer_than, at_most).await } else { self.own(at_most).await };
        match taken {
            Ok((connection, reused)) => Ok(Lease { connection, reused, slot }),
            Err(_) if deadline.is_over() => Err(deadline.missed(begun.elapsed())),
            Err(why) => Err(why),
        }
    }

    async fn slot(&self, deadline: Deadline) -> Result<OwnedSemaphorePermit, NoAnswer> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(slot);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= self.limits.waiting_at_most {
            return Err(NoAnswer::Busy);
        }
        let patience = Instant::now() + self.limits.wait;
        let (until, why) = match deadline.at() {
            Some(at) if at < patience => (at, NoAnswer::Deadline),
            _ => (patience, NoAnswer::Busy),
        };
        match timeout_at(until, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(why),
        }
    }

    /// An idle connection that is as it was left.
    fn idle(&self, repeatable: bool) -> Option<Http1> {
        let now = Instant::now();
        loop {
            let (connection, since) = self.kept().idle.pop()?;
            let idle = now.saturating_duration_since(since);
            if idle >= self.limits.idle || !connection.sender.is_ready() {
                continue;
            }
            if (repeatable && idle < TRUSTED) || connection.socket.is_silent() {
                return Some(connection);
            }
        }
    }

    async fn own(&self, at_most: Duration) -> Result<(Connection, bool), NoAnswer> {
        let connection = connection::http1(self.address, &self.limits, at_most).await?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok((Connection::Http1(connection), false))
    }

    /// A stream on a connection that is there, or on a new one. All that were on one that has died meet on the next: one of
    /// them opens it.
    async fn shared(&self, newer_than: Option<u64>, at_most: Duration) -> Result<(Connection, bool), NoAnswer> {
        let reused = newer_than.is_none();
        if let Some(stream) = self.on_least_used(newer_than) {
            return Ok((Connection::Http2(stream), reused));
        }
        let opening = timeout(at_most, self.opening.lock()).await.map_err(|_| NoAnswer::Unreachable)?;
        if let Some(stream) = self.on_least_used(newer_than) {
            return Ok((Connection::Http2(stream), reused));
        }
        let mut connection = connection::http2(self.address, &self.limits, at_most).await?;
        connection.number = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
        let stream = connection.stream();
        let mut kept = self.kept();
        if !kept.closed {
            kept.shared.push(Shared { connection, idle_since: None });
        }
        drop((kept, opening));
        Ok((Connection::Http2(stream), false))
    }

    /// One more stream on the HTTP/2 connection with the fewest of those that will do, if that has room. Counted before
    /// anybody else looks: the connection's window is for so many and no more.
    fn on_least_used(&self, newer_than: Option<u64>) -> Option<Stream> {
        let mut kept = self.kept();
        kept.shared.retain(|shared| !shared.connection.sender.is_closed());
        let will_do = |shared: &&mut Shared| newer_than.is_none_or(|number| shared.connection.number > number);
        let least = kept.shared.iter_mut().filter(will_do).min_by_key(|shared| shared.connection.streams())?;
        if least.connection.streams() >= self.limits.streams_at_most.max(1) {
            return None;
        }
        least.idle_since = None;
        Some(least.connection.stream())
    }

    fn keep(&self, connection: Http1) {
        let mut kept = self.kept();
        if !kept.closed && kept.idle.len() < self.limits.idle_at_most {
            kept.idle.push((connection, Instant::now()));
        }
    }

    /// Asks one thing on a connection of its own, which counts for nothing else.
    pub(super) async fn ask_alone(
        &self,
        request: Request<RequestBody>,
        http2: bool,
        connect: Duration,
    ) -> Result<StatusCode, NoAnswer> {
        let mut connection = if http2 {
            Connection::Http2(connection::http2(self.address, &self.limits, connect).await?.stream())
        } else {
            Connection::Http1(connection::http1(self.address, &self.limits, connect).await?)
        };
        let answer = connection.send(request, false).await.map_err(|_| NoAnswer::Broken)?;
        Ok(answer.status())
    }

    /// Closes what has been idle for too long, and what its service has closed, which nobody has seen yet.
    pub(super) fn prune(&self) {
        let (now, at_most) = (Instant::now(), self.limits.idle);
        let mut kept = self.kept();
        kept.idle.retain(|(connection, since)| {
            now.saturating_duration_since(*since) < at_most && connection.socket.is_silent()
        });
        kept.shared.retain_mut(|Shared { connection, idle_since }| {
            if connection.streams() > 0 {
                *idle_since = None;
                return !connection.sender.is_closed();
            }
            let since = *idle_since.get_or_insert(now);
            now.saturating_duration_since(since) < at_most && !connection.sender.is_closed()
        });
    }

    /// Closes what is idle; what is under way goes on, and its connection is closed after it.
    pub(super) fn close(&self) {
        let mut kept = self.kept();
        kept.closed = true;
        kept.idle.clear();
        kept.shared.clear();
    }

    pub(super) fn idle_count(&self) -> usize {
        self.kept().idle.len()
    }

    pub(super) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}
