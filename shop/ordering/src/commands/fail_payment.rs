use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{OrderEvent, OrderPaymentFailed};
use crate::order::{Order, Status};

/// Give up on the payment of an approved order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailPayment {
    /// Why, for people.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
}

impl Command for FailPayment {
    type Entity = Order;

    fn decide(&self, order: &Order, _at: Timestamp) -> Result<Vec<OrderEvent>, Rejection> {
        let failed = OrderPaymentFailed { reason: self.reason.clone(), attempts: self.attempts };
        order.step(Status::Approved, Status::PaymentFailed, failed)
    }
}
