//! Subscriptions to the log: pages while there are some, then whatever comes.
//!
//! Those who have caught up all want the same newest events. They are read once, and handed to each; only who lags
//! behind reads the log by itself.

use std::sync::{Arc, Weak};

use futures_util::stream;
use tokio::sync::{Notify, watch};
use tradewind_events::{Delivery, Page, Position, Query, ReadError, Recorded, Subscription};
use tradewind_log::Log;

use super::{Inner, blocking, convert};

/// The most events in one delivery, and in the newest ones that are handed around.
const DELIVERY_EVENTS_MAX: usize = 512;

/// The newest events.
#[derive(Default)]
pub(super) struct Tail {
    /// All events after `from` and up to here are among them.
    head: Position,
    from: Position,
    events: Arc<[Recorded]>,
}

impl Tail {
    /// Nothing but how far the log is.
    pub(super) fn at(head: u64) -> Self {
        Self { head: Position(head), from: Position(head), events: Arc::default() }
    }
}

/// Hands the newest events around, for as long as there is a log.
pub(super) async fn tell(log: Weak<Log>, bell: Arc<Notify>, sender: watch::Sender<Tail>) {
    loop {
        tokio::select! {
            () = bell.notified() => {}
            // Nobody can ring any more when all stores and subscriptions are gone.
            () = sender.closed() => return,
        }
        let mut told = sender.borrow().head;
        loop {
            let Some(log) = log.upgrade() else { return };
            let head = Position(log.head());
            if told >= head {
                break;
            }
            // The store itself listens too, and reads nothing.
            let tail = if sender.receiver_count() > 1 { newest(log, told).await } else { None };
            let tail = tail.unwrap_or_else(|| Tail::at(head.0));
            told = tail.head;
            sender.send_replace(tail);
        }
    }
}

/// What follows a position. If it cannot be read, none: everyone finds out by himself why.
async fn newest(log: Arc<Log>, after: Position) -> Option<Tail> {
    let read = move || page(&log, after, &tradewind_log::Query::default(), DELIVERY_EVENTS_MAX);
    let page = blocking(read).await.ok()?.ok()?;
    (page.through > after).then(|| Tail { head: page.through, from: after, events: page.events.into() })
}

/// A page, whose `through` never goes back behind what was asked for.
pub(super) fn page(log: &Log, after: Position, query: &tradewind_log::Query, limit: usize) -> Result<Page, ReadError> {
    let page = log.read(after.0, query, limit).map_err(convert::read_error)?;
    let events = page.records.iter().map(convert::recorded).collect::<Result<_, _>>()?;
    Ok(Page { events, through: Position(page.through).max(after), head: Position(page.head) })
}

struct Follower {
    inner: Arc<Inner>,
    tail: watch::Receiver<Tail>,
    query: Query,
    through: Position,
    begun: bool,
    ended: bool,
}

/// Everything that matches behind a position, now and later.
pub(super) fn follow(inner: Arc<Inner>, after: Position, query: Query) -> Subscription {
    let tail = inner.tail.clone();
    let follower = Follower { inner, tail, query, through: after, begun: false, ended: false };
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
        let query = convert::query(&self.query);
        let after = self.through;
        let page = self.inner.read(move |log| page(log, after, &query, DELIVERY_EVENTS_MAX)).await?;
        self.begun = true;
        self.through = page.through;
        Ok(Delivery { events: page.events, through: page.through, caught_up: page.through >= page.head })
    }

    /// Waits for the log to move, and takes the newest events if they are all that is missing.
    async fn live(&mut self) -> Result<Option<Delivery>, ReadError> {
        let through = self.through;
        let moved = self.tail.wait_for(|tail| tail.head > through).await;
        let tail = moved.map_err(|_| ReadError::Unavailable("the event store is closed".to_owned()))?;
        if tail.from > through {
            return Ok(None);
        }
        let (head, newest) = (tail.head, Arc::clone(&tail.events));
        // Held, it would keep the next ones from being handed around.
        drop(tail);
        let events =
            newest.iter().filter(|event| event.position() > through && self.query.matches(event)).cloned().collect();
        self.through = head;
        Ok(Some(Delivery { events, through: head, caught_up: head.0 >= self.inner.log.head() }))
    }
}
