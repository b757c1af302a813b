//! Orders as they change: one subscription for everybody who watches, however many they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::watch;
use tradewind_events::{EventSource, Position, Query, ReadError};
use tradewind_service::Entity;

use crate::order::Order;

/// How long to wait before following a source again that has failed.
const PAUSE: Duration = Duration::from_millis(500);

/// Tells watchers that something has happened to their order, as long as [`LiveOrders::follow`] runs. Cheap to clone.
#[derive(Clone, Default)]
pub struct LiveOrders {
    watched: Arc<Watched>,
}

/// The orders that are watched, by id.
#[derive(Default)]
struct Watched(Mutex<HashMap<String, watch::Sender<()>>>);

/// Somebody who watches one order.
pub struct Watcher {
    order_id: String,
    changes: watch::Receiver<()>,
    watched: Arc<Watched>,
}

impl LiveOrders {
    /// Follows the orders in `source`, for ever. When the source fails, everybody is told to look for themselves once
    /// it is back.
    pub async fn follow(&self, source: Arc<dyn EventSource>) {
        loop {
            if let Err(problem) = follow_once(&*source, &self.watched).await {
                tracing::warn!(%problem, "interrupted while following orders for their watchers; going on soon");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Watches one order. What happens from now on wakes the watcher; it has to look at what was before by itself,
    /// afterwards, so that nothing falls in between.
    #[must_use]
    pub fn watch(&self, order_id: &str) -> Watcher {
        let watched = self.watched.clone();
        let changes = watched.lock().entry(order_id.to_owned()).or_default().subscribe();
        Watcher { order_id: order_id.to_owned(), changes, watched }
    }
}

impl Watcher {
    /// Waits until something may have happened to the order since the last call.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // Nobody will tell any more: the service is going down, and ends this wait with everything else.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut watched = self.watched.lock();
        // The last watcher's own receiver is still counted here.
        if watched.get(&self.order_id).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.remove(&self.order_id);
        }
    }
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<()>>> {
        // Nothing is half done in there: a panic of another thread leaves a good map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, order_id: &str) {
        if let Some(sender) = self.lock().get(order_id) {
            sender.send_replace(());
        }
    }

    fn wake_all(&self) {
        self.lock().values().for_each(|sender| sender.send_replace(()));
    }
}

async fn follow_once(source: &dyn EventSource, watched: &Watched) -> Result<(), ReadError> {
    let head: Position = source.head().await?;
    let mut deliveries = source.subscribe(head, Query::category(Order::CATEGORY)).await?;
    // What came between the interruption and here was in nobody's delivery.
    watched.wake_all();
    while let Some(delivery) = deliveries.next().await {
        for event in delivery?.events {
            watched.wake(event.entity_id());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
