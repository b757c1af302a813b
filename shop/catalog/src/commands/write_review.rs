use tradewind_events::{AppendCondition, Position, Query, QueryItem, Timestamp};
use tradewind_service::{Command, Rejection, tag};

use super::types;
use crate::events::{Opinion, ReviewEvent, ReviewWritten};
use crate::review::Review;

/// Say what a product is like. A customer has one review of each product that was delivered to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteReview {
    /// Which product.
    pub product_id: String,
    /// Who says it.
    pub customer_id: String,
    /// What.
    pub opinion: Opinion,
    /// Whether the product was delivered to them, as far as is known here.
    pub delivered: bool,
}

impl Command for WriteReview {
    type Entity = Review;

    fn decide(&self, review: &Review, _at: Timestamp) -> Result<Vec<ReviewEvent>, Rejection> {
        // Before all that may be known later than the review: whoever asks again must hear of the one that there is.
        if review.of.is_some() {
            return Err(Rejection::new("review-exists", "there is a review with this id already"));
        }
        self.opinion.check()?;
        if !self.delivered {
            return Err(Rejection::new("not-delivered", "only who has received a product can review it"));
        }
        let (product_id, customer_id) = (self.product_id.clone(), self.customer_id.clone());
        Ok(vec![ReviewWritten { product_id, customer_id, opinion: self.opinion.clone() }.into()])
    }

    /// That there is no other review by this customer of this product. Neither of them knows the other's reviews, so
    /// no entity could say: the whole log does.
    fn condition(&self) -> Option<AppendCondition> {
        let tags = vec![tag("product", &self.product_id), tag("customer", &self.customer_id)];
        let same = QueryItem { types: types(["ReviewWritten"]), tags, ..QueryItem::default() };
        Some(AppendCondition { fail_if: Query { items: vec![same] }, after: Position::START })
    }
}
