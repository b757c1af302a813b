use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{OrderApproved, OrderEvent};
use crate::order::{Order, Status};

/// Accept an order that was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproveOrder;

impl Command for ApproveOrder {
    type Entity = Order;

    fn decide(&self, order: &Order, _at: Timestamp) -> Result<Vec<OrderEvent>, Rejection> {
        order.step(Status::Created, Status::Approved, OrderApproved {})
    }
}
