//! What invoicing knows of orders and customers, and how it knows that it has heard enough.
//!
//! Two feeds tell it, and neither waits for the other: an order may be heard of before the move of its customer, though
//! the move came first. So before it looks a customer up, it asks how far the feed of customers goes *now*, and waits
//! until its copy has come there. Whatever customers had accepted before the order was told is in the copy then. One such
//! question serves all orders that had been heard of when it was asked: a year of history needs few.
//!
//! No clock is compared with another's for this. While customers is away nothing can be known, and orders wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tradewind_events::{EventSource, Position, Timestamp};
use tradewind_service::{QueryContext, QueryError, ReactionError, ReadModel};

use crate::events::Party;
use crate::projections::{CustomerCopies, OrderCopies, OrderCopy};

/// How long customers may take to say how far it is.
const ASK_WITHIN: Duration = Duration::from_secs(3);
/// For how long nobody asks again after customers has not answered: all who queue meanwhile are told the same.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// The copies of what others tell.
pub struct Copies {
    orders: ReadModel,
    customers: ReadModel,
    customers_feed: Arc<dyn EventSource>,
    /// Up to which position of ordering's feed the copy of customers is known to be complete.
    complete_for: AtomicU64,
    /// Whoever asks how far customers is, holds this; in it stands when that failed last, and why.
    asking: Mutex<Option<(Instant, String)>>,
}

impl Copies {
    /// The copies in a read model of [`OrderCopies`] and in one of [`CustomerCopies`], which follows `customers_feed`.
    #[must_use]
    pub fn new(orders: ReadModel, customers: ReadModel, customers_feed: Arc<dyn EventSource>) -> Self {
        Self { orders, customers, customers_feed, complete_for: AtomicU64::default(), asking: Mutex::default() }
    }

    /// An order, as ordering's feed has told it up to `told_at`.
    ///
    /// # Errors
    /// Transient while the copy has not come so far; poison if it has, and has no such order: then something was
    /// skipped.
    pub async fn order(&self, id: &str, told_at: Position) -> Result<OrderCopy, ReactionError> {
        let (asked, enough) = (id.to_owned(), QueryContext { after: Some(told_at), as_of: None });
        let found = self.orders.query(&enough, move |read| OrderCopies::get(read, &asked)).await.map_err(later)?;
        found
            .value
            .ok_or_else(|| ReactionError::Poison(format!("ordering's feed never told that order {id} was placed")))
    }

    /// Who a customer was at a moment, by all that customers had accepted before ordering's feed told what stands at
    /// `told_at`. None, if the customer had not registered until then.
    ///
    /// # Errors
    /// Transient while the copy has not come so far.
    pub async fn customer(
        &self,
        id: &str,
        moment: Timestamp,
        told_at: Position,
    ) -> Result<Option<Party>, ReactionError> {
        self.complete_for(told_at).await?;
        let (id, now) = (id.to_owned(), QueryContext::default());
        let found = self.customers.query(&now, move |read| CustomerCopies::at(read, &id, moment)).await;
        Ok(found.map_err(later)?.value)
    }

    /// Makes sure that the copy of customers has all that was accepted before ordering's feed told `told_at`.
    async fn complete_for(&self, told_at: Position) -> Result<(), ReactionError> {
        if self.is_complete_for(told_at) {
            return Ok(());
        }
        // Whoever comes while another asks waits here, and mostly finds it answered.
        let mut asking = self.asking.lock().await;
        if self.is_complete_for(told_at) {
            return Ok(());
        }
        if let Some((_, problem)) = asking.as_ref().filter(|(when, _)| when.elapsed() < ASK_AGAIN_AFTER) {
            return Err(ReactionError::Transient(problem.clone()));
        }
        let asked = self.ask(told_at).await;
        *asking = asked.as_ref().err().map(|problem| (Instant::now(), problem.to_string()));
        let complete_for = asked?;
        self.complete_for.fetch_max(complete_for.0, Ordering::Release);
        Ok(())
    }

    fn is_complete_for(&self, told_at: Position) -> bool {
        self.complete_for.load(Ordering::Acquire) >= told_at.0
    }

    /// Brings the copy of customers to where customers is now, and says up to which position of ordering's feed it is
    /// complete then: as far as that had been heard before the question.
    async fn ask(&self, told_at: Position) -> Result<Position, ReactionError> {
        self.orders.wait_for(told_at).await.map_err(later)?;
        let heard = self.orders.position();
        let end = match tokio::time::timeout(ASK_WITHIN, self.customers_feed.head()).await {
            Ok(Ok(end)) => end,
            Ok(Err(error)) => return Err(ReactionError::Transient(format!("customers cannot be asked: {error}"))),
            Err(_) => return Err(ReactionError::Transient("customers does not answer".to_owned())),
        };
        self.customers.wait_for(end).await.map_err(later)?;
        Ok(heard)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn later(error: QueryError) -> ReactionError {
    ReactionError::Transient(error.to_string())
}
