use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{OrderEvent, OrderPrepared};
use crate::order::{Order, Status};

/// Say that the goods of a paid order are packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrepareOrder;

impl Command for PrepareOrder {
    type Entity = Order;

    fn decide(&self, order: &Order, _at: Timestamp) -> Result<Vec<OrderEvent>, Rejection> {
        order.step(Status::Paid, Status::Prepared, OrderPrepared {})
    }
}
