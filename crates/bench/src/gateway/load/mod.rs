//! The load: so many connections, each with one request on its way, written and read with as little work as can be.

mod ask;
mod connection;
mod loaded;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::BenchError;
use connection::Connection;

pub(super) use ask::Ask;
pub(super) use connection::Head;
pub(super) use loaded::Loaded;

/// How much longer than it should a load may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait before connecting again to one who refuses.
const PAUSE: Duration = Duration::from_millis(1);

/// What is asked of whom.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) address: SocketAddr,
    pub(super) ask: Ask,
    pub(super) connections: usize,
    /// What each answer must be; none if anything goes, also that there is none.
    pub(super) expected: Option<Arc<[u8]>>,
}

/// How long it goes on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Span {
    /// For a time.
    Time {
        /// Until all is as it will be; does not count.
        warm: Duration,
        /// Counts.
        measured: Duration,
    },
    /// So many requests, with the numbers from `first` on.
    Requests {
        /// The number of the first.
        first: u64,
        /// How many.
        count: u64,
    },
}

#[derive(Debug)]
struct Shared {
    /// The number of the next request.
    next: AtomicU64,
    /// There are no more from this number on.
    end: AtomicU64,
    counts: AtomicBool,
}

impl Load {
    /// Asks on all connections at once; `meter` is asked for a processor time when it begins to count, and at the end.
    ///
    /// # Errors
    /// [`BenchError::Wrong`] if an answer is not what is expected, [`BenchError::Engine`] if there is none.
    pub(super) async fn run(&self, span: Span, meter: impl Fn() -> Duration) -> Result<Loaded, BenchError> {
        let (next, end, counts) = match span {
            Span::Time { .. } => (0, u64::MAX, false),
            Span::Requests { first, count } => (first, first + count, true),
        };
        let shared = Shared { next: next.into(), end: end.into(), counts: counts.into() };
        let shared = Arc::new(shared);
        let mut begun = (Instant::now(), meter());
        let mut asking = JoinSet::new();
        for _ in 0..self.connections {
            let (load, shared) = (self.clone(), Arc::clone(&shared));
            asking.spawn(async move { load.ask_on_one_connection(&shared).await });
        }
        let mut took = None;
        if let Span::Time { warm, measured } = span {
            sleep(warm).await;
            begun = (Instant::now(), meter());
            shared.counts.store(true, Ordering::Relaxed);
            sleep(measured).await;
            // What is on its way at either end is so little that it does not matter to whom it counts.
            took = Some((begun.0.elapsed(), meter().saturating_sub(begun.1)));
            shared.counts.store(false, Ordering::Relaxed);
            shared.end.store(0, Ordering::Relaxed);
        }
        let mut loaded = Loaded::default();
        let all = async {
            while let Some(part) = asking.join_next().await {
                loaded.add(&part.map_err(|_| BenchError::Panicked)??);
            }
            Ok::<_, BenchError>(())
        };
        let late = || BenchError::Engine(format!("{} did not answer within {PATIENCE:?}", self.address));
        timeout(PATIENCE, all).await.map_err(|_| late())??;
        (loaded.time, loaded.metered) = took.unwrap_or_else(|| (begun.0.elapsed(), meter().saturating_sub(begun.1)));
        Ok(loaded)
    }

    /// Asks once: the head, and the body.
    ///
    /// # Errors
    /// As the operating system says, in words.
    pub(super) async fn once(&self) -> Result<(Head, Vec<u8>), String> {
        let mut request = Vec::new();
        self.ask.write(0, &mut request);
        let asked = async {
            let mut connection = Connection::open(self.address).await?;
            let head = connection.ask(&request).await?;
            Ok::<_, std::io::Error>((head, connection.body().to_vec()))
        };
        timeout(PATIENCE, asked).await.map_err(|_| format!("no answer within {PATIENCE:?}"))?.map_err(|e| e.to_string())
    }

    async fn ask_on_one_connection(&self, shared: &Shared) -> Result<Loaded, BenchError> {
        let mut part = Loaded::default();
        let mut request = Vec::with_capacity(1 << 10);
        let mut open = None;
        loop {
            let number = shared.next.fetch_add(1, Ordering::Relaxed);
            if number >= shared.end.load(Ordering::Relaxed) {
                return Ok(part);
            }
            request.clear();
            self.ask.write(number, &mut request);
            let since = Instant::now();
            let answered = self.ask_on(&mut open, &request).await?;
            if shared.counts.load(Ordering::Relaxed) {
                part.count(answered, since.elapsed());
            }
            if answered.is_none() {
                sleep(PAUSE).await;
            }
        }
    }

    /// Asks on this connection, or on another one if it is over. No head if there was no answer, and need not be.
    async fn ask_on(&self, open: &mut Option<Connection>, request: &[u8]) -> Result<Option<Head>, BenchError> {
        let asked = async {
            let connection = match open {
                Some(connection) => connection,
                None => open.insert(Connection::open(self.address).await?),
            };
            Ok::<_, std::io::Error>((connection.ask(request).await?, connection))
        };
        let (answered, wrong) = match (asked.await, self.expected.as_deref()) {
            (Ok((head, connection)), Some(body)) if head.status != 200 || connection.body() != body => {
                (Some(head), Some(BenchError::Wrong(connection.text())))
            }
            (Ok((head, _)), _) => (Some(head), None),
            (Err(error), Some(_)) => (None, Some(BenchError::Engine(format!("{}: {error}", self.address)))),
            (Err(_), None) => (None, None),
        };
        if !answered.is_some_and(|head| head.lasts) {
            *open = None;
        }
        wrong.map_or(Ok(answered), Err)
    }
}

#[cfg(test)]
mod tests;
