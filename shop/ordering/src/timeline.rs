//! What has happened to an order, as people read it.

use serde::Serialize;
use tradewind_events::Timestamp;
use tradewind_service::DomainEvent;

use crate::events::OrderEvent;
use crate::order::Status;

/// One entry of an order's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// The event type: `OrderShipped`.
    pub event: String,
    /// When it happened.
    pub at: Timestamp,
    /// What else there is to say about it, for people.
    pub note: Option<String>,
    /// The order's status from then on, as a word.
    pub status: String,
}

impl Stage {
    /// The entry that an event makes.
    #[must_use]
    pub fn of(event: &OrderEvent, at: Timestamp) -> Self {
        let note = match event {
            OrderEvent::OrderPaid(paid) => Some(format!("payment {}", paid.reference)),
            OrderEvent::OrderRejected(rejected) => Some(rejected.reason.clone()),
            OrderEvent::OrderPaymentFailed(failed) => Some(failed.reason.clone()),
            OrderEvent::OrderCancelled(cancelled) => Some(cancelled.reason.clone()),
            OrderEvent::OrderCreated(_)
            | OrderEvent::OrderApproved(_)
            | OrderEvent::OrderPrepared(_)
            | OrderEvent::OrderShipped(_)
            | OrderEvent::OrderDelivered(_) => None,
        };
        let note = note.filter(|text| !text.is_empty());
        Self { event: event.event_type().to_owned(), at, note, status: Status::after(event).word().to_owned() }
    }
}
