use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{OrderCancelled, OrderEvent};
use crate::order::{Order, Status, ended, no_such_order};

/// Call an order off, which can be done until its goods have left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelOrder {
    /// Why, for people.
    pub reason: String,
}

impl CancelOrder {
    /// The longest reason, in characters.
    const REASON_CHARS_MAX: usize = 500;
}

impl Command for CancelOrder {
    type Entity = Order;

    fn decide(&self, order: &Order, _at: Timestamp) -> Result<Vec<OrderEvent>, Rejection> {
        if self.reason.chars().count() > Self::REASON_CHARS_MAX {
            let most = Self::REASON_CHARS_MAX;
            return Err(Rejection::new("reason-too-long", format!("a reason has at most {most} characters")));
        }
        match order.status {
            None => Err(no_such_order()),
            Some(Status::Created | Status::Approved | Status::Paid | Status::Prepared) => {
                Ok(vec![OrderCancelled { reason: self.reason.clone() }.into()])
            }
            Some(Status::Cancelled) => Ok(Vec::new()),
            Some(Status::Shipped) => Err(Rejection::new(
                "order-already-shipped",
                "the goods have left; the order can no longer be cancelled",
            )),
            Some(status) => Err(ended(status)),
        }
    }
}
