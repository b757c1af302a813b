//! Subscriptions to the log: pages while there are some, then a wait for the head to move.

use std::sync::{Arc, Weak};

use futures_util::stream;
use tokio::sync::{Notify, watch};
use tradewind_events::{Delivery, Position, ReadError, Subscription};
use tradewind_log::{Log, Query};

use super::Inner;

/// The most events in one delivery.
const DELIVERY_EVENTS_MAX: usize = 512;

/// Passes the log's head on to all who wait for it, for as long as there is a log.
pub(super) async fn tell(log: Weak<Log>, bell: Arc<Notify>, sender: watch::Sender<u64>) {
    loop {
        tokio::select! {
            () = bell.notified() => {}
            // Nobody can ring any more when all stores and subscriptions are gone.
            () = sender.closed() => return,
        }
        let Some(log) = log.upgrade() else { return };
        sender.send_replace(log.head());
    }
}

struct Follower {
    inner: Arc<Inner>,
    head: watch::Receiver<u64>,
    query: Query,
    through: Position,
    begun: bool,
    ended: bool,
}

/// Everything that matches behind a position, now and later.
pub(super) fn follow(inner: Arc<Inner>, after: Position, query: Query) -> Subscription {
    let head = inner.head.clone();
    let follower = Follower { inner, head, query, through: after, begun: false, ended: false };
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
        if self.begun {
            let through = self.through.0;
            let moved = self.head.wait_for(|head| *head > through).await;
            moved.map_err(|_| ReadError::Unavailable("the event store is closed".to_owned()))?;
        }
        let page = self.inner.page(self.through, self.query.clone(), DELIVERY_EVENTS_MAX).await?;
        self.begun = true;
        self.through = page.through;
        Ok(Delivery { events: page.events, through: page.through, caught_up: page.through >= page.head })
    }
}
