//! The order as its own rules see it.

use serde::{Deserialize, Serialize};
use tradewind_service::{Entity, Rejection};

use crate::events::{OrderEvent, OrderLine};

/// What is known of an order when a command concerns it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Order {
    /// How far it has come; none if there is no such order.
    pub status: Option<Status>,
    /// Whose it is.
    pub customer_id: String,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// What it costs, in US cents.
    pub total_cents: u64,
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A customer has ordered.
    Created,
    /// The shop has accepted.
    Approved,
    /// The money is there.
    Paid,
    /// The goods are packed.
    Prepared,
    /// The goods are on their way.
    Shipped,
    /// The goods have arrived.
    Delivered,
    /// The shop has refused.
    Rejected,
    /// The money did not come.
    PaymentFailed,
    /// The customer has called it off.
    Cancelled,
}

impl Status {
    /// The stages of an order with which all goes well, in their order.
    pub const STAGES: [Self; 6] =
        [Self::Created, Self::Approved, Self::Paid, Self::Prepared, Self::Shipped, Self::Delivered];

    /// The status as a word, as the API tells it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Approved => "approved",
            Self::Paid => "paid",
            Self::Prepared => "prepared",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::PaymentFailed => "payment-failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status that an order has after an event.
    #[must_use]
    pub fn after(event: &OrderEvent) -> Self {
        match event {
            OrderEvent::OrderCreated(_) => Self::Created,
            OrderEvent::OrderApproved(_) => Self::Approved,
            OrderEvent::OrderPaid(_) => Self::Paid,
            OrderEvent::OrderPrepared(_) => Self::Prepared,
            OrderEvent::OrderShipped(_) => Self::Shipped,
            OrderEvent::OrderDelivered(_) => Self::Delivered,
            OrderEvent::OrderRejected(_) => Self::Rejected,
            OrderEvent::OrderPaymentFailed(_) => Self::PaymentFailed,
            OrderEvent::OrderCancelled(_) => Self::Cancelled,
        }
    }

    /// Whether nothing can happen to the order any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Rejected | Self::PaymentFailed | Self::Cancelled)
    }

    /// Whether the order has come to `stage`, or farther; never, if it has ended early.
    fn has_reached(self, stage: Self) -> bool {
        let place = |status| Self::STAGES.iter().position(|s| *s == status);
        place(self).zip(place(stage)).is_some_and(|(here, there)| here >= there)
    }
}

impl Order {
    /// The rule for every step: it follows `before`. Asking for it again when it, or more, is done, changes
    /// nothing; asking too early, too late, or when the order has ended, is refused.
    pub(crate) fn step(
        &self,
        before: Status,
        after: Status,
        event: impl Into<OrderEvent>,
    ) -> Result<Vec<OrderEvent>, Rejection> {
        match self.status {
            None => Err(no_such_order()),
            Some(status) if status == before => Ok(vec![event.into()]),
            Some(status) if status == after || status.has_reached(after) => Ok(Vec::new()),
            Some(status) if status.is_final() => Err(ended(status)),
            Some(status) if status.has_reached(before) => Err(Rejection::new(
                "order-too-far",
                format!("the order is {}, and no longer {}", status.word(), before.word()),
            )),
            Some(status) => Err(Rejection::new(
                "order-not-so-far",
                format!("the order is {}, and must be {} first", status.word(), before.word()),
            )),
        }
    }
}

/// The reason why nothing can be done with an order that does not exist.
pub(crate) const NO_SUCH_ORDER: &str = "no-such-order";

/// The rule that an order must exist.
pub(crate) fn no_such_order() -> Rejection {
    Rejection::new(NO_SUCH_ORDER, "there is no such order")
}

/// The rule that an order that has ended stays as it is.
pub(crate) fn ended(status: Status) -> Rejection {
    Rejection::new("order-has-ended", format!("the order is {} and stays so", status.word()))
}

impl Entity for Order {
    const CATEGORY: &'static str = "order";
    const STATE_VERSION: u16 = 1;
    type Event = OrderEvent;

    fn evolve(&mut self, event: &OrderEvent) {
        self.status = Some(Status::after(event));
        if let OrderEvent::OrderCreated(created) = event {
            self.customer_id.clone_from(&created.customer_id);
            self.lines.clone_from(&created.lines);
            self.total_cents = created.total_cents;
        }
    }
}
