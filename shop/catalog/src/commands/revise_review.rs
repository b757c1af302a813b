use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{Opinion, ReviewEvent, ReviewRevised};
use crate::review::Review;

/// Say something else in a review that one has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviseReview {
    /// Of which product it must be.
    pub product_id: String,
    /// Who says it.
    pub customer_id: String,
    /// What it is to say.
    pub opinion: Opinion,
}

impl Command for ReviseReview {
    type Entity = Review;

    fn decide(&self, review: &Review, _at: Timestamp) -> Result<Vec<ReviewEvent>, Rejection> {
        let of = review.written(&self.product_id)?;
        if of.customer_id != self.customer_id {
            return Err(Rejection::new("review-of-another", "only who has written a review can revise it"));
        }
        self.opinion.check()?;
        if review.opinion == self.opinion {
            return Ok(Vec::new());
        }
        let (product_id, opinion) = (self.product_id.clone(), self.opinion.clone());
        Ok(vec![ReviewRevised { product_id, opinion, stars_before: review.opinion.stars }.into()])
    }
}
