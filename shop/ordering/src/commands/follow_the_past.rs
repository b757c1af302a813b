use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::OrderEvent;
use crate::fulfilment::{Action, PastStep};
use crate::order::{Order, Status};

/// Take all steps of an order of the past that are behind, one after the other, each at its own time. Every rule is
/// asked as if the steps came one by one; if one of them says no, none is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowThePast {
    /// The steps, in their order.
    pub steps: Vec<PastStep>,
    /// The process manager that asks for them, and has recorded them all.
    pub asked_by: &'static str,
}

impl Command for FollowThePast {
    type Entity = Order;

    fn decide(&self, order: &Order, at: Timestamp) -> Result<Vec<OrderEvent>, Rejection> {
        // The rules of the steps go by the status alone.
        let mut order = Order { status: order.status, ..Order::default() };
        let mut happened = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            for event in step.action.decide(&order, at)? {
                order.status = Some(Status::after(&event));
                happened.push(event);
            }
        }
        Ok(happened)
    }

    fn time_of(&self, event: &OrderEvent, at: Timestamp) -> Timestamp {
        let status = Status::after(event);
        self.steps.iter().find(|step| step.action.leads_to() == status).map_or(at, |step| step.at)
    }

    fn settled_by(&self) -> Option<&'static str> {
        Some(self.asked_by)
    }
}

impl Action {
    /// What the order's rules say to it.
    fn decide(&self, order: &Order, at: Timestamp) -> Result<Vec<OrderEvent>, Rejection> {
        use super::{ApproveOrder, DeliverOrder, FailPayment, PrepareOrder, RecordPayment, RejectOrder, ShipOrder};
        match self.clone() {
            Self::Approve => ApproveOrder.decide(order, at),
            Self::Reject { reason } => RejectOrder { reason }.decide(order, at),
            Self::RecordPayment { reference } => RecordPayment { reference }.decide(order, at),
            Self::FailPayment { reason, attempts } => FailPayment { reason, attempts }.decide(order, at),
            Self::Prepare => PrepareOrder.decide(order, at),
            Self::Ship => ShipOrder.decide(order, at),
            Self::Deliver => DeliverOrder.decide(order, at),
        }
    }
}
