//! The review as its own rules see it.

use serde::{Deserialize, Serialize};
use tradewind_service::{Entity, Rejection};

use crate::events::{Opinion, ReviewEvent};

/// What is known of a review when a command concerns it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Review {
    /// Whose review of what it is; none if there is no such review.
    pub of: Option<Authorship>,
    /// What it says.
    pub opinion: Opinion,
}

/// Who has reviewed what. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorship {
    /// Which product.
    pub product_id: String,
    /// Who.
    pub customer_id: String,
}

/// The reason why nothing can be done with a review that does not exist.
pub(crate) const NO_SUCH_REVIEW: &str = "no-such-review";

impl Review {
    /// The longest title, in characters.
    pub const TITLE_CHARS_MAX: usize = 120;
    /// The longest text, in characters.
    pub const TEXT_CHARS_MAX: usize = 5_000;
    /// The most stars.
    pub const STARS_MAX: u8 = 5;

    /// The rule that a command about a review of this product needs one.
    pub(crate) fn written(&self, product_id: &str) -> Result<&Authorship, Rejection> {
        let of = self.of.as_ref().filter(|of| of.product_id == product_id);
        of.ok_or_else(|| Rejection::new(NO_SUCH_REVIEW, "there is no such review of this product"))
    }
}

impl Opinion {
    /// What an opinion must be, whoever has it.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        let (title, text) = (Review::TITLE_CHARS_MAX, Review::TEXT_CHARS_MAX);
        if !(1..=Review::STARS_MAX).contains(&self.stars) {
            return Err(Rejection::new("bad-stars", format!("a review gives 1 to {} stars", Review::STARS_MAX)));
        }
        if self.title.chars().count() > title {
            return Err(Rejection::new("review-title-too-long", format!("a title has at most {title} characters")));
        }
        if self.text.chars().count() > text {
            return Err(Rejection::new("review-text-too-long", format!("a review has at most {text} characters")));
        }
        Ok(())
    }
}

impl Entity for Review {
    const CATEGORY: &'static str = "review";
    const STATE_VERSION: u16 = 1;
    type Event = ReviewEvent;

    fn evolve(&mut self, event: &ReviewEvent) {
        match event {
            ReviewEvent::ReviewWritten(written) => {
                let (product_id, customer_id) = (written.product_id.clone(), written.customer_id.clone());
                self.of = Some(Authorship { product_id, customer_id });
                self.opinion = written.opinion.clone();
            }
            ReviewEvent::ReviewRevised(revised) => self.opinion = revised.opinion.clone(),
            // Who it has helped is not its own business: that nobody says so twice is a condition of the append, so that
            // a review that has helped thousands stays small.
            ReviewEvent::ReviewFoundHelpful(_) => {}
        }
    }
}
