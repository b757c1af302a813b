//! Subscriptions: pages while there are some, then whatever comes.
//!
//! Those who have caught up all want the same newest events. They are read once, and handed to each; only who lags
//! behind reads by itself. That there is something new is told by this process's own appends, by others'
//! notifications, and by a look at the database from time to time.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::stream;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tradewind_events::{Delivery, Position, Query, ReadError, Recorded, Subscription};

use super::connect::{Connection, Server};
use super::failure::Failure;
use super::sql::Sql;
use super::{Inner, reads};
use crate::retry::Backoff;

/// The most events in one delivery, and in the newest ones that are handed around.
const DELIVERY_EVENTS_MAX: usize = 512;
/// The most events that a subscriber takes at once who lags behind.
const CATCH_UP_EVENTS_MAX: usize = 4_096;
/// How long after a notification the next one may follow: what comes meanwhile shares it.
const NOTIFY_EVERY: Duration = Duration::from_millis(2);

/// What is rung when something has been appended here.
#[derive(Clone, Default)]
pub(super) struct Bells {
    /// For this process's subscribers.
    pub(super) here: Arc<Notify>,
    /// For those of other processes.
    pub(super) elsewhere: Arc<Notify>,
}

impl Bells {
    pub(super) fn ring(&self) {
        self.here.notify_one();
        self.elsewhere.notify_one();
    }
}

/// Tells other processes, apart from the commit: inside of it, all notifying commits of the whole server would wait
/// for each other. If it fails, the others look by themselves.
pub(super) async fn notify(server: Arc<Server>, sql: Arc<Sql>, bell: Arc<Notify>) {
    let mut connection: Option<Connection> = None;
    loop {
        bell.notified().await;
        if connection.as_ref().is_none_or(|connection| connection.client.is_closed()) {
            connection = server.connect(None).await.ok();
        }
        if let Some(connection) = &connection
            && let Ok(statement) = connection.prepared(&sql.notify).await
            && let Err(error) = connection.client.execute(&statement, &[]).await
        {
            tracing::debug!("a notification was lost: {error}");
        }
        tokio::time::sleep(NOTIFY_EVERY).await;
    }
}

/// The newest events.
#[derive(Default)]
pub(super) struct Tail {
    /// All events after `from` and up to here are among them.
    head: Position,
    from: Position,
    events: Arc<[Recorded]>,
    /// Whether nothing was behind them.
    newest: bool,
    /// The store stands at `head`, and has been further: after a failover to a standby that did not have everything.
    gone_back: bool,
}

/// Hands the newest events around, for as long as there is a store.
pub(super) async fn tell(inner: Weak<Inner>, server: Arc<Server>, bell: Arc<Notify>, sender: watch::Sender<Tail>) {
    let mut listener: Option<Connection> = None;
    let mut told = Position::START;
    let mut listen_after = Instant::now();
    loop {
        let _ = tokio::time::timeout(server.options.poll_every, bell.notified()).await;
        let Some(inner) = inner.upgrade() else { return };
        // The store itself holds one end.
        if sender.receiver_count() <= 1 {
            continue;
        }
        if listener.as_ref().is_none_or(|listener| listener.client.is_closed()) && Instant::now() >= listen_after {
            listener = listen(&server, &inner.sql, &bell).await.ok();
            listen_after = Instant::now() + server.options.poll_every;
        }
        while let Ok(tail) = newest(&inner, told).await {
            if tail.head == told || (tail.head < told && !tail.gone_back) {
                break;
            }
            told = tail.head;
            let more = !tail.newest;
            sender.send_replace(tail);
            if !more {
                break;
            }
        }
    }
}

async fn listen(server: &Server, sql: &Sql, bell: &Arc<Notify>) -> Result<Connection, Failure> {
    let connection = server.connect(Some(Arc::clone(bell))).await?;
    connection.client.batch_execute(&sql.listen).await?;
    Ok(connection)
}

/// What follows a position, or only how far the store is, if that is too much to be handed around.
async fn newest(inner: &Inner, after: Position) -> Result<Tail, ReadError> {
    let page = reads::page(inner, after, &Query::all(), DELIVERY_EVENTS_MAX).await?;
    if page.head < after {
        return Ok(Tail { head: page.head, from: page.head, gone_back: true, newest: true, events: Arc::default() });
    }
    if page.head.0 > page.through.0 + DELIVERY_EVENTS_MAX as u64 {
        return Ok(Tail { head: page.head, from: page.head, events: Arc::default(), newest: true, gone_back: false });
    }
    let newest = page.through >= page.head;
    Ok(Tail { head: page.through, from: after, newest, gone_back: false, events: page.events.into() })
}

struct Follower {
    inner: Arc<Inner>,
    tail: watch::Receiver<Tail>,
    query: Query,
    through: Position,
    /// How far the store was seen to be. It is less than `through` if somebody follows from behind the end.
    seen: Position,
    begun: bool,
    ended: bool,
}

/// Everything that matches behind a position, now and later.
pub(super) fn follow(inner: Arc<Inner>, after: Position, query: Query) -> Subscription {
    let tail = inner.tail.clone();
    let follower = Follower { inner, tail, query, through: after, seen: Position::START, begun: false, ended: false };
    Box::pin(stream::unfold(follower, Follower::next))
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Delivery, ReadError>, Self)> {
        if self.ended {
            return None;
        }
        let delivery = self.deliver().await;
        self.ended = delivery.is_err();
        Some((delivery, self))
    }

    async fn deliver(&mut self) -> Result<Delivery, ReadError> {
        if self.begun
            && let Some(delivery) = self.live().await?
        {
            return Ok(delivery);
        }
        let page = self.page().await?;
        if page.head < self.seen {
            return Err(went_back(page.head, self.seen));
        }
        self.begun = true;
        self.through = page.through;
        self.seen = page.through.min(page.head);
        Ok(Delivery { events: page.events, through: page.through, caught_up: page.through >= page.head })
    }

    /// The next page, for which it waits as long as it may when the database is away.
    async fn page(&self) -> Result<tradewind_events::Page, ReadError> {
        let options = &self.inner.reads.server.options;
        let mut backoff = Backoff::new(options.pause_first, options.pause_max, options.follow_for);
        loop {
            match reads::page(&self.inner, self.through, &self.query, CATCH_UP_EVENTS_MAX).await {
                Err(ReadError::Unavailable(_) | ReadError::Timeout) if backoff.pause().await => {}
                other => return other,
            }
        }
    }

    /// Waits for the store to move, and takes the newest events if they are all that is missing.
    async fn live(&mut self) -> Result<Option<Delivery>, ReadError> {
        let through = self.through;
        let seen = self.seen;
        let lost = move |tail: &Tail| tail.gone_back && tail.head < seen;
        let moved = self.tail.wait_for(|tail| tail.head > through || lost(tail)).await;
        let tail = moved.map_err(|_| ReadError::Unavailable("the event store is closed".to_owned()))?;
        if lost(&tail) {
            return Err(went_back(tail.head, seen));
        }
        if tail.from > through {
            return Ok(None);
        }
        let (head, newest, caught_up) = (tail.head, Arc::clone(&tail.events), tail.newest);
        // Held, it would keep the next ones from being handed around.
        drop(tail);
        let events =
            newest.iter().filter(|event| event.position() > through && self.query.matches(event)).cloned().collect();
        (self.through, self.seen) = (head, head);
        Ok(Some(Delivery { events, through: head, caught_up }))
    }
}

/// Going on would skip the events that now take the places of those that were lost.
fn went_back(head: Position, seen: Position) -> ReadError {
    ReadError::Damaged {
        place: format!("position {head}"),
        problem: format!("the store ends here, though it had been read up to {seen}: a failover lost events"),
    }
}
