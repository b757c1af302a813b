//! The stamper: gives what has been committed its position. Of several, the one that holds the lease works.
//!
//! It is fenced by the lease's epoch: each statement that gives positions locks the lease's row and looks whether the
//! epoch is still its own, and each new holder, and each new connection of the same one, takes a new epoch. So one that
//! was stopped and goes on gives nothing, however long it was away, and nothing that it does can be half done.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;
use tokio_util::sync::CancellationToken;
use tradewind_events::Position;
use uuid::Uuid;

use super::connector::Connection;
use super::settling::{Look, Settling};
use super::{Inner, Outbox};
use crate::OutboxError;

/// How long after a notification the next one may follow: what comes meanwhile shares it.
const NOTIFY_EVERY: Duration = Duration::from_millis(2);
/// Lets a transaction's commit not wait for the disk: what it says, a restart of the server may forget.
const LAZILY: &str = "set_config('synchronous_commit', 'off', true)";
/// The first pause after something went wrong, and the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What a stamper is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StamperState {
    /// Another one holds the lease.
    Standby,
    /// It gives positions.
    Stamping,
    /// The database does not let it, or cannot be reached; it tries again.
    Interrupted,
}

/// How a stamper is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StamperStatus {
    /// What it is doing.
    pub state: StamperState,
    /// The last position that it has given or seen.
    pub position: Position,
    /// How many messages it has given positions.
    pub stamped: u64,
    /// How often it took the lease.
    pub taken: u64,
    /// Why it does not get on, if it does not.
    pub problem: Option<String>,
}

/// Looks at a stamper. Cheap to clone.
#[derive(Clone)]
pub struct StamperHandle {
    status: Arc<Mutex<StamperStatus>>,
}

impl StamperHandle {
    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> StamperStatus {
        self.lock().clone()
    }

    fn gave(&self, head: i64, count: usize) {
        let mut status = self.lock();
        status.position = Position(head.unsigned_abs());
        status.stamped += count as u64;
    }

    fn took(&self) {
        let mut status = self.lock();
        (status.state, status.problem) = (StamperState::Stamping, None);
        status.taken += 1;
    }

    fn stands_by(&self) {
        let mut status = self.lock();
        (status.state, status.problem) = (StamperState::Standby, None);
    }

    /// True if it is another problem than before.
    fn interrupted(&self, error: &OutboxError) -> bool {
        let (mut status, text) = (self.lock(), error.to_string());
        let is_new = status.problem.as_ref() != Some(&text);
        (status.state, status.problem) = (StamperState::Interrupted, Some(text));
        is_new
    }

    fn lock(&self) -> MutexGuard<'_, StamperStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives positions; [`Stamper::run`] runs it.
pub struct Stamper {
    inner: Arc<Inner>,
    holder: Uuid,
    handle: StamperHandle,
}

/// One connection, and what is asked on it.
struct Session {
    connection: Connection,
    take: Statement,
    keep: Statement,
    stamped: Statement,
    stamp: Statement,
    waiting: Statement,
    rotate: Statement,
    follower: Statement,
    notify: Statement,
}

/// Why a session ended in order.
enum Ended {
    Stopped,
    Fenced,
}

impl Stamper {
    pub(super) fn new(outbox: &Outbox) -> (Self, StamperHandle) {
        let status = StamperStatus {
            state: StamperState::Standby,
            position: Position::START,
            stamped: 0,
            taken: 0,
            problem: None,
        };
        let handle = StamperHandle { status: Arc::new(Mutex::new(status)) };
        (Self { inner: Arc::clone(&outbox.inner), holder: Uuid::new_v4(), handle: handle.clone() }, handle)
    }

    /// Runs until told to stop; then it gives up its lease.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut pause = PAUSE_FIRST;
        loop {
            match self.session(&shutdown).await {
                Ok(Ended::Stopped) => return,
                Ok(Ended::Fenced) => {
                    tracing::warn!(schema = self.inner.options.schema, "another stamper has taken over; standing by");
                    pause = PAUSE_FIRST;
                }
                Err(error) => {
                    if self.handle.interrupted(&error) {
                        let (code, schema) = (error.code(), &self.inner.options.schema);
                        tracing::warn!(%code, schema, %error, "the outbox's stamper is interrupted; trying again, and \
                            nothing is lost");
                    }
                }
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Stands by and works on one connection, until something breaks.
    async fn session(&self, shutdown: &CancellationToken) -> Result<Ended, OutboxError> {
        let elsewhere = Arc::new(Notify::new());
        let session = Session::open(&self.inner, &elsewhere).await?;
        let stopping = shutdown.cancelled();
        tokio::pin!(stopping);
        loop {
            self.tell_followers(&session).await?;
            if let Some((epoch, number, position)) = self.take(&session).await? {
                let ended = self.work(&session, &elsewhere, epoch, (number, position), shutdown).await;
                if matches!(ended, Ok(Ended::Stopped)) {
                    self.give_up(&session, epoch).await;
                }
                return ended;
            }
            self.handle.stands_by();
            // What is put here, the one at work is told; what it gives, whoever follows here looks for.
            let until = Instant::now() + self.inner.options.poll_every;
            while Instant::now() < until {
                tokio::select! {
                    () = self.inner.put_here.notified() => {
                        self.answer(session.connection.client.execute(&session.notify, &[&self.channel()])).await?;
                        tokio::time::sleep(NOTIFY_EVERY).await;
                    }
                    () = elsewhere.notified() => self.look_ahead(&session).await?,
                    () = tokio::time::sleep_until(until) => {}
                    () = &mut stopping => return Ok(Ended::Stopped),
                }
            }
        }
    }

    fn channel(&self) -> String {
        self.inner.options.schema.clone()
    }

    async fn answer<T>(&self, asked: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, OutboxError> {
        self.inner.connector.answer(asked).await
    }

    /// The lease, if it is free: its epoch, and what has been settled.
    async fn take(&self, session: &Session) -> Result<Option<(i64, i64, i64)>, OutboxError> {
        let lease_ms = self.inner.options.lease_for.as_millis() as f64;
        let client = &session.connection.client;
        let taken = self.answer(client.query_opt(&session.take, &[&self.holder, &lease_ms])).await?;
        let Some(row) = taken else { return Ok(None) };
        Ok(Some((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
    }

    /// So that the next one need not wait.
    async fn give_up(&self, session: &Session, epoch: i64) {
        let sql = format!("UPDATE {}.lease SET until = '-infinity' WHERE epoch = $1", self.inner.options.schema);
        let _ = self.answer(session.connection.client.execute(&sql, &[&epoch])).await;
    }

    async fn work(
        &self,
        session: &Session,
        elsewhere: &Notify,
        epoch: i64,
        settled: (i64, i64),
        shutdown: &CancellationToken,
    ) -> Result<Ended, OutboxError> {
        let client = &session.connection.client;
        let rows = self.answer(client.query(&session.stamped, &[&settled.1])).await?;
        let stamped = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        let mut settling = Settling::resume(settled.0, settled.1, &stamped);
        self.handle.took();
        tracing::info!(schema = self.inner.options.schema, epoch, "giving positions to what the outbox has");
        let options = &self.inner.options;
        let keep_every = options.lease_for / 3;
        let (mut kept_at, mut rotated_at, mut told_at) = (Instant::now(), Instant::now(), None::<Instant>);
        loop {
            let look = self.look(session, epoch, &settling).await?;
            let Some(look) = look else { return Ok(Ended::Fenced) };
            settling.note(&look);
            self.inner.saw(look.head);
            if !look.numbers.is_empty() {
                self.handle.gave(look.head, look.numbers.len());
                // Those who follow in other processes; at most so often.
                if told_at.is_none_or(|told: Instant| told.elapsed() >= NOTIFY_EVERY) {
                    told_at = Some(Instant::now());
                    self.answer(client.execute(&session.notify, &[&format!("{}_given", self.channel())])).await?;
                }
            }
            if kept_at.elapsed() >= keep_every {
                kept_at = Instant::now();
                let lease_ms = options.lease_for.as_millis() as f64;
                let (number, position) = (settling.settled_number, settling.settled_position);
                let parameters: [&(dyn ToSql + Sync); 4] = [&epoch, &lease_ms, &number, &position];
                if self.answer(client.execute(&session.keep, &parameters)).await? == 0 {
                    return Ok(Ended::Fenced);
                }
                self.tell_followers(session).await?;
            }
            if rotated_at.elapsed() >= options.rotate_every {
                rotated_at = Instant::now();
                let keep = i64::try_from(options.keep_positions).unwrap_or(i64::MAX);
                let row = self.answer(client.query_one(&session.rotate, &[&epoch, &keep])).await?;
                match row.try_get::<_, i32>(0)? {
                    -1 => return Ok(Ended::Fenced),
                    0 => {}
                    slots => tracing::debug!(schema = options.schema, slots, "emptied what everybody has"),
                }
            }
            if look.is_full {
                continue;
            }
            if shutdown.is_cancelled() {
                return Ok(Ended::Stopped);
            }
            // Nothing more is there: until somebody says so, or it is time to look or to keep the lease.
            loop {
                let rest = keep_every.saturating_sub(kept_at.elapsed());
                let wait = options.poll_every.min(rest);
                let woken = tokio::select! {
                    () = self.inner.put_here.notified() => true,
                    () = elsewhere.notified() => true,
                    () = tokio::time::sleep(wait) => false,
                    () = shutdown.cancelled() => true,
                };
                if woken || settling.is_open() || kept_at.elapsed() >= keep_every {
                    break;
                }
                let row = self.answer(client.query_one(&session.waiting, &[&settling.seen])).await?;
                if row.try_get(0)? {
                    break;
                }
            }
        }
    }

    /// Gives positions to what is there; none if the lease is another's.
    async fn look(&self, session: &Session, epoch: i64, settling: &Settling) -> Result<Option<Look>, OutboxError> {
        let (first, last) = settling.gaps();
        let most = self.inner.options.batch_messages_max;
        let parameters: [&(dyn ToSql + Sync); 5] = [&epoch, &settling.seen, &first, &last, &most];
        let row = self.answer(session.connection.client.query_one(&session.stamp, &parameters)).await?;
        if !row.try_get::<_, bool>(0)? {
            return Ok(None);
        }
        let numbers: Vec<i64> = row.try_get(2)?;
        let is_full = numbers.len() >= most.unsigned_abs() as usize;
        Ok(Some(Look { numbers, head: row.try_get(1)?, oldest: row.try_get(3)?, own: row.try_get(4)?, is_full }))
    }

    /// Another process has given positions.
    async fn look_ahead(&self, session: &Session) -> Result<(), OutboxError> {
        let sql = format!("SELECT coalesce(max(position), 0) FROM {}.stamps", self.inner.options.schema);
        let row = self.answer(session.connection.client.query_one(&sql, &[])).await?;
        self.inner.saw(row.try_get(0)?);
        Ok(())
    }

    /// Tells the database how far followers in this process are.
    async fn tell_followers(&self, session: &Session) -> Result<(), OutboxError> {
        let handled = self.inner.handled.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (name, position) in handled {
            let position = i64::try_from(position.0).unwrap_or(i64::MAX);
            self.answer(session.connection.client.execute(&session.follower, &[&name, &position])).await?;
        }
        Ok(())
    }
}

impl Session {
    async fn open(inner: &Inner, bell: &Arc<Notify>) -> Result<Self, OutboxError> {
        let connection = inner.connector.connect(bell).await?;
        let (client, s) = (&connection.client, &inner.options.schema);
        let take = format!(
            "UPDATE {s}.lease SET epoch = epoch + 1, holder = $1, until = clock_timestamp() + $2 * interval '1 ms'
             WHERE holder = $1 OR until < clock_timestamp() RETURNING epoch, settled_number, settled_position"
        );
        let keep = format!(
            "UPDATE {s}.lease SET until = clock_timestamp() + $2 * interval '1 ms', settled_number = $3,
             settled_position = $4 WHERE epoch = $1 RETURNING {LAZILY}"
        );
        let stamped = format!("SELECT number FROM {s}.stamps WHERE position > $1");
        let stamp = format!("SELECT * FROM {s}.stamp($1, $2, $3, $4, $5)");
        let waiting = format!("SELECT EXISTS (SELECT FROM {s}.messages WHERE number > $1)");
        let rotate = format!("SELECT {s}.rotate($1, $2)");
        let follower = format!(
            "INSERT INTO {s}.followers AS f VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET position = $2
             WHERE f.position < $2 RETURNING {LAZILY}"
        );
        let notify = format!("SELECT pg_notify($1, ''), {LAZILY}");
        let prepare = |sql: String| inner.connector.answer(async move { client.prepare(&sql).await });
        let (take, keep, stamped, stamp) =
            (prepare(take).await?, prepare(keep).await?, prepare(stamped).await?, prepare(stamp).await?);
        let (waiting, rotate) = (prepare(waiting).await?, prepare(rotate).await?);
        let (follower, notify) = (prepare(follower).await?, prepare(notify).await?);
        let listen = format!("LISTEN {s}; LISTEN {s}_given");
        inner.connector.answer(client.batch_execute(&listen)).await?;
        Ok(Self { connection, take, keep, stamped, stamp, waiting, rotate, follower, notify })
    }
}
