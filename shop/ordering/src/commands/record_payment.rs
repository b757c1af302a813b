use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{OrderEvent, OrderPaid};
use crate::order::{Order, Status};

/// Say that an approved order is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPayment {
    /// By what the payment provider knows the payment.
    pub reference: String,
}

impl Command for RecordPayment {
    type Entity = Order;

    fn decide(&self, order: &Order, _at: Timestamp) -> Result<Vec<OrderEvent>, Rejection> {
        order.step(Status::Approved, Status::Paid, OrderPaid { reference: self.reference.clone() })
    }
}
