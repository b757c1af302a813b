use tradewind_events::{AppendCondition, Position, Query, QueryItem, Timestamp};
use tradewind_service::{Command, Rejection, tag};

use super::types;
use crate::events::{ReviewEvent, ReviewFoundHelpful};
use crate::review::Review;

/// Say that another customer's review has helped, which each can say once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindHelpful {
    /// Which review.
    pub review_id: String,
    /// Of which product it must be.
    pub product_id: String,
    /// Whom it has helped.
    pub customer_id: String,
}

impl FindHelpful {
    /// The longest customer id, in bytes.
    pub const CUSTOMER_BYTES_MAX: usize = 100;
}

impl Command for FindHelpful {
    type Entity = Review;

    fn decide(&self, review: &Review, _at: Timestamp) -> Result<Vec<ReviewEvent>, Rejection> {
        if self.customer_id.trim().is_empty() || self.customer_id.len() > Self::CUSTOMER_BYTES_MAX {
            return Err(Rejection::new("bad-customer", "a review helps a customer with an ordinary id"));
        }
        if review.written(&self.product_id)?.customer_id == self.customer_id {
            return Err(Rejection::new("own-review", "nobody can find their own review helpful"));
        }
        let Self { review_id, product_id, customer_id } = self.clone();
        Ok(vec![ReviewFoundHelpful { review_id, product_id, customer_id }.into()])
    }

    /// That this customer has not said so before.
    fn condition(&self) -> Option<AppendCondition> {
        let tags = vec![tag("review", &self.review_id), tag("voter", &self.customer_id)];
        let same = QueryItem { types: types(["ReviewFoundHelpful"]), tags, ..QueryItem::default() };
        Some(AppendCondition { fail_if: Query { items: vec![same] }, after: Position::START })
    }
}
