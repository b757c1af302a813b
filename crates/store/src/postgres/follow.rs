//! Subscriptions: pages while there are some, then whatever comes.
//!
//! Those who have caught up all want the same newest events. They are read once, and handed to each; only who lags
//! behind reads by itself. That there is something new is told by this process's own appends, by others'
//! notifications, and by a look at the database from time to time.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::stream;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tradewind_events::{Delivery, EventId, Page, Position, Query, ReadError, Recorded, Subscription};

use super::connect::{Connection, Server};
use super::failure::Failure;
use super::sql::Sql;
use super::{Inner, reads};
use crate::retry::Backoff;

/// The most events in one delivery, and in the newest ones that are handed around.
const DELIVERY_EVENTS_MAX: usize = 512;
/// The most events that a subscriber takes at once who lags behind.
const CATCH_UP_EVENTS_MAX: usize = 4_096;
/// How many falls of the store are remembered.
const FALLS_MAX: usize = 16;
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
        // A connection on which nothing comes back may have been lost long ago: the second attempt is on another.
        for _ in 0..2 {
            if connection.as_ref().is_none_or(|connection| connection.client.is_closed()) {
                connection = server.connect("notifying", None).await.ok();
            }
            let Some(open) = &connection else { break };
            let telling = async {
                let statement = open.prepared(&sql.notify).await?;
                open.client.execute(&statement, &[]).await?;
                Ok(())
            };
            match server.answered(telling).await {
                Ok(()) => break,
                Err(failure) => {
                    tracing::debug!("a notification was lost: {failure}");
                    connection = None;
                }
            }
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
    falls: Falls,
}

/// How often the store was found to have lost its end, and what was left: behind a failover to a standby that did not
/// have everything. Every tail has it, so that it is also noticed by who looks only at a later one.
#[derive(Clone, Default)]
struct Falls {
    count: u64,
    /// Where the store ended, of the last ones.
    ends: VecDeque<Position>,
}

impl Falls {
    fn add(&mut self, end: Position) {
        self.count += 1;
        self.ends.push_back(end);
        if self.ends.len() > FALLS_MAX {
            self.ends.pop_front();
        }
    }

    /// The lowest end since so many falls were known; none if none came since.
    fn lowest_since(&self, known: u64) -> Option<Position> {
        let new = self.count.saturating_sub(known);
        match usize::try_from(new) {
            Ok(0) => None,
            Ok(new) if new <= self.ends.len() => self.ends.iter().rev().take(new).min().copied(),
            // Too many to know.
            _ => Some(Position::START),
        }
    }
}

/// Hands the newest events around, for as long as there is a store.
pub(super) async fn tell(inner: Weak<Inner>, server: Arc<Server>, bell: Arc<Notify>, sender: watch::Sender<Tail>) {
    let mut listener: Option<Connection> = None;
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
        loop {
            let before = before(&sender);
            let Ok(Some(tail)) = newer(&inner, &before).await else { break };
            let more = !tail.newest;
            sender.send_replace(tail);
            if !more {
                break;
            }
        }
    }
}

/// What was handed around last.
fn before(sender: &watch::Sender<Tail>) -> Tail {
    let tail = sender.borrow();
    let (head, from, newest) = (tail.head, tail.from, tail.newest);
    Tail { head, from, newest, events: Arc::clone(&tail.events), falls: tail.falls.clone() }
}

async fn listen(server: &Server, sql: &Sql, bell: &Arc<Notify>) -> Result<Connection, Failure> {
    let connection = server.connect("following", Some(Arc::clone(bell))).await?;
    let listening = async { Ok(connection.client.batch_execute(&sql.listen).await?) };
    server.answered(listening).await?;
    Ok(connection)
}

/// What has come behind a tail, or only how far the store is, if that is too much to be handed around; none if nothing
/// has.
async fn newer(inner: &Inner, before: &Tail) -> Result<Option<Tail>, ReadError> {
    // Looked at before the page, which must then be as far.
    let furthest = before.head.max(Position(inner.furthest.load(Ordering::Acquire)));
    let (page, is) = reads::behind(inner, before.head, DELIVERY_EVENTS_MAX).await?;
    if let Some(end) = lost_end(inner, before, (furthest, page.head), is).await? {
        inner.furthest.store(end.0, Ordering::Release);
        let mut falls = before.falls.clone();
        falls.add(end);
        let head = page.head.min(end);
        return Ok(Some(Tail { head, from: head, events: Arc::default(), newest: page.head <= head, falls }));
    }
    let falls = before.falls.clone();
    if page.head.0 > page.through.0 + DELIVERY_EVENTS_MAX as u64 {
        return Ok(Some(Tail { head: page.head, from: page.head, events: Arc::default(), newest: true, falls }));
    }
    if page.through <= before.head {
        return Ok(None);
    }
    let newest = page.through >= page.head;
    Ok(Some(Tail { head: page.through, from: before.head, events: page.events.into(), newest, falls }))
}

/// Where the store ends of which a tail is known, if it has lost its end since: it is shorter than it was seen to be, or
/// another event `is` where the tail's last one was.
async fn lost_end(
    inner: &Inner,
    before: &Tail,
    (furthest, head): (Position, Position),
    is: Option<EventId>,
) -> Result<Option<Position>, ReadError> {
    if head < furthest {
        return Ok(Some(head));
    }
    let was = before.events.last().filter(|event| event.position() == before.head);
    if was.is_none_or(|was| is.is_none_or(|is| is == was.id())) {
        return Ok(None);
    }
    // How far it is the same can be seen only as far as the tail goes.
    let now = reads::page(inner, before.from, &Query::all(), DELIVERY_EVENTS_MAX).await?;
    let same = before.events.iter().zip(&now.events).take_while(|(was, is)| was.id() == is.id());
    Ok(Some(same.last().map_or(Position::START, |(_, is)| is.position())))
}

struct Follower {
    inner: Arc<Inner>,
    tail: watch::Receiver<Tail>,
    query: Query,
    through: Position,
    /// How far the store was seen to be. It is less than `through` if somebody follows from behind the end.
    seen: Position,
    /// How many falls of the store were known when it was seen to be there.
    falls: u64,
    begun: bool,
    ended: bool,
}

/// Everything that matches behind a position, now and later.
pub(super) fn follow(inner: Arc<Inner>, after: Position, query: Query) -> Subscription {
    let tail = inner.tail.clone();
    let seen = Position::START;
    let follower = Follower { inner, tail, query, through: after, seen, falls: 0, begun: false, ended: false };
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
        // Before the page: a fall that is found while it is read may come before it or behind it.
        let falls = self.tail.borrow().falls.clone();
        self.look_whether_it_fell(&falls)?;
        let page = self.page().await?;
        if page.head < self.seen {
            return Err(went_back(page.head, self.seen));
        }
        self.begun = true;
        self.through = page.through;
        self.seen = page.through.min(page.head);
        self.falls = falls.count;
        self.inner.furthest.fetch_max(self.seen.0, Ordering::AcqRel);
        Ok(Delivery { events: page.events, through: page.through, caught_up: page.through >= page.head })
    }

    /// Whether the store has lost what was seen of it.
    fn look_whether_it_fell(&self, falls: &Falls) -> Result<(), ReadError> {
        match falls.lowest_since(self.falls) {
            Some(end) if end < self.seen => Err(went_back(end, self.seen)),
            _ => Ok(()),
        }
    }

    /// The next page, for which it waits as long as it may when the database is away.
    async fn page(&self) -> Result<Page, ReadError> {
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
        let (through, known) = (self.through, self.falls);
        let moved = self.tail.wait_for(|tail| tail.head > through || tail.falls.count > known).await;
        let tail = moved.map_err(|_| ReadError::Unavailable("the event store is closed".to_owned()))?;
        let (head, from, caught_up) = (tail.head, tail.from, tail.newest);
        let (newest, falls) = (Arc::clone(&tail.events), tail.falls.clone());
        // Held, it would keep the next ones from being handed around.
        drop(tail);
        self.look_whether_it_fell(&falls)?;
        self.falls = falls.count;
        if from > through || head <= through {
            return Ok(None);
        }
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
