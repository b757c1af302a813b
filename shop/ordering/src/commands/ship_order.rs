use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{OrderEvent, OrderShipped};
use crate::order::{Order, Status};

/// Say that the packed goods have left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipOrder;

impl Command for ShipOrder {
    type Entity = Order;

    fn decide(&self, order: &Order, _at: Timestamp) -> Result<Vec<OrderEvent>, Rejection> {
        order.step(Status::Prepared, Status::Shipped, OrderShipped {})
    }
}
