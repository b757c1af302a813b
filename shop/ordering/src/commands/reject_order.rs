use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{OrderEvent, OrderRejected};
use crate::order::{Order, Status};

/// Refuse an order that was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectOrder {
    /// Why, for people.
    pub reason: String,
}

impl Command for RejectOrder {
    type Entity = Order;

    fn decide(&self, order: &Order, _at: Timestamp) -> Result<Vec<OrderEvent>, Rejection> {
        order.step(Status::Created, Status::Rejected, OrderRejected { reason: self.reason.clone() })
    }
}
