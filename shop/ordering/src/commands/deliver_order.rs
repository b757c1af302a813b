use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{OrderDelivered, OrderEvent};
use crate::order::{Order, Status};

/// Say that the goods have arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverOrder;

impl Command for DeliverOrder {
    type Entity = Order;

    fn decide(&self, order: &Order, _at: Timestamp) -> Result<Vec<OrderEvent>, Rejection> {
        order.step(Status::Shipped, Status::Delivered, OrderDelivered {})
    }
}
