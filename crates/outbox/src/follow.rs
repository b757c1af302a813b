//! Following: pages while there are some, then whatever comes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::timeout;
use tradewind_events::{Delivery, Page, Position, Query, ReadError, Subscription};

/// The most events in one delivery.
pub(crate) const DELIVERY_EVENTS_MAX: usize = 512;

/// Up to where followers have everything, by their names.
pub(crate) type Handled = BTreeMap<String, Position>;

/// Notes how far a follower is; it never goes back.
pub(crate) fn note(handled: &mut Handled, follower: &str, through: Position) {
    match handled.get_mut(follower) {
        Some(position) => *position = through.max(*position),
        None => {
            handled.insert(follower.to_owned(), through);
        }
    }
}

/// What can be read page by page, and tells when there is more.
pub(crate) trait Pages: Send + Sync + 'static {
    fn page(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>>;
}

struct Following<P> {
    pages: Arc<P>,
    query: Query,
    last: Position,
    /// Rung when there may be more.
    more: watch::Receiver<u64>,
    /// How long it waits before it looks by itself.
    poll_every: Duration,
    begun: bool,
    ended: bool,
}

/// Everything behind a position. It ends with the first error.
pub(crate) fn follow<P: Pages>(
    pages: Arc<P>,
    after: Position,
    query: Query,
    more: watch::Receiver<u64>,
    poll_every: Duration,
) -> Subscription {
    let following = Following { pages, query, last: after, more, poll_every, begun: false, ended: false };
    Box::pin(stream::unfold(following, next))
}

async fn next<P: Pages>(mut following: Following<P>) -> Option<(Result<Delivery, ReadError>, Following<P>)> {
    if following.ended {
        return None;
    }
    loop {
        // Seen before reading: what comes meanwhile rings again.
        following.more.mark_unchanged();
        let page = match following.pages.page(following.last, &following.query, DELIVERY_EVENTS_MAX).await {
            Ok(page) => page,
            Err(error) => {
                following.ended = true;
                return Some((Err(error), following));
            }
        };
        if page.through > following.last || !following.begun {
            following.begun = true;
            following.last = page.through.max(following.last);
            let caught_up = page.through >= page.head;
            return Some((Ok(Delivery { events: page.events, through: following.last, caught_up }), following));
        }
        match timeout(following.poll_every, following.more.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            // Nobody rings any more: it still looks.
            Ok(Err(_)) => tokio::time::sleep(following.poll_every).await,
        }
    }
}
