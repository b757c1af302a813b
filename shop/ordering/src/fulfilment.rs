//! How an order gets from placed to delivered: which step follows from what has happened, and when. All of it is
//! pure; what carries it out is the reaction `fulfil_order`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tradewind_events::Timestamp;

use crate::events::{
    OrderApproved, OrderDelivered, OrderEvent, OrderPaid, OrderPaymentFailed, OrderPrepared, OrderRejected,
    OrderShipped,
};
use crate::order::Status;
use crate::pace::Pace;
use crate::payment::{Answer, PaymentOptions, StandInProvider};

/// How orders are fulfilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FulfilmentOptions {
    /// How long the stages take.
    pub pace: Pace,
    /// The most that an order may cost, in US cents, before it is rejected.
    pub order_cents_max: u64,
    /// How the stand-in for a payment provider behaves.
    pub payment: PaymentOptions,
    /// Whether an order is accepted only when inventory has set its goods aside.
    pub needs_goods: bool,
}

impl Default for FulfilmentOptions {
    fn default() -> Self {
        Self { pace: Pace::DEMO, order_cents_max: 100_000, payment: PaymentOptions::default(), needs_goods: false }
    }
}

impl FulfilmentOptions {
    /// How an order is fulfilled that is brought in from the past: as slowly as a shop does, and of goods
    /// that were there and are paid.
    #[must_use]
    pub fn of_the_past(self) -> Self {
        Self { pace: Pace::ORDINARY, payment: PaymentOptions::PAID_ALREADY, needs_goods: false, ..self }
    }
}

/// A step towards delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Accept the order.
    Approve,
    /// Refuse it.
    Reject {
        /// Why, for people.
        reason: String,
    },
    /// Ask the payment provider, for the n-th time.
    Collect {
        /// Counted from 1.
        attempt: u32,
    },
    /// Pack the goods.
    Prepare,
    /// Hand them over to be carried.
    Ship,
    /// Hand them over to the customer.
    Deliver,
}

/// What is asked of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the command of the same name")]
pub enum Action {
    Approve,
    Reject { reason: String },
    RecordPayment { reference: String },
    FailPayment { reason: String, attempts: u32 },
    Prepare,
    Ship,
    Deliver,
}

impl Action {
    /// What happens to the order, if its rules allow it.
    fn event(&self) -> OrderEvent {
        match self.clone() {
            Self::Approve => OrderApproved {}.into(),
            Self::Reject { reason } => OrderRejected { reason }.into(),
            Self::RecordPayment { reference } => OrderPaid { reference }.into(),
            Self::FailPayment { reason, attempts } => OrderPaymentFailed { reason, attempts }.into(),
            Self::Prepare => OrderPrepared {}.into(),
            Self::Ship => OrderShipped {}.into(),
            Self::Deliver => OrderDelivered {}.into(),
        }
    }

    /// The status that the order then has.
    #[must_use]
    pub fn leads_to(&self) -> Status {
        Status::after(&self.event())
    }
}

/// A step, and how long after what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextStep {
    /// The step.
    pub step: Step,
    /// How long after the event, or the attempt, that it follows from.
    pub after: Duration,
}

/// What follows from something that has happened to an order; nothing, if it is done or has ended.
#[must_use]
pub fn next_step(event: &OrderEvent, options: &FulfilmentOptions) -> Option<NextStep> {
    let pace = options.pace;
    let (step, after) = match event {
        OrderEvent::OrderCreated(order) if order.total_cents > options.order_cents_max => {
            let most = options.order_cents_max / 100;
            (Step::Reject { reason: format!("we do not take orders of more than ${most}") }, pace.approve)
        }
        OrderEvent::OrderCreated(_) => (Step::Approve, pace.approve),
        OrderEvent::OrderApproved(_) => (Step::Collect { attempt: 1 }, pace.pay),
        OrderEvent::OrderPaid(_) => (Step::Prepare, pace.prepare),
        OrderEvent::OrderPrepared(_) => (Step::Ship, pace.ship),
        OrderEvent::OrderShipped(_) => (Step::Deliver, pace.deliver),
        OrderEvent::OrderDelivered(_)
        | OrderEvent::OrderRejected(_)
        | OrderEvent::OrderPaymentFailed(_)
        | OrderEvent::OrderCancelled(_) => return None,
    };
    Some(NextStep { step, after })
}

/// What inventory says to the goods of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "goods", rename_all = "kebab-case")]
pub enum GoodsAnswer {
    /// All of them are set aside.
    Reserved,
    /// Not all of them are there.
    Unavailable {
        /// What is missing, for people.
        reason: String,
    },
}

impl GoodsAnswer {
    /// The step that follows from it, for an order that can else be accepted.
    #[must_use]
    pub fn next_step(self, options: &FulfilmentOptions) -> NextStep {
        let step = match self {
            Self::Reserved => Step::Approve,
            Self::Unavailable { reason } => Step::Reject { reason },
        };
        NextStep { step, after: options.pace.approve }
    }
}

/// What comes of a step when its time has come.
#[must_use]
pub fn take(step: &Step, order_id: &str, options: &FulfilmentOptions) -> Taken {
    Taken::Action(match step {
        Step::Approve => Action::Approve,
        Step::Reject { reason } => Action::Reject { reason: reason.clone() },
        Step::Prepare => Action::Prepare,
        Step::Ship => Action::Ship,
        Step::Deliver => Action::Deliver,
        Step::Collect { attempt } => match collect(order_id, *attempt, options) {
            Collected::Paid { reference } => Action::RecordPayment { reference },
            Collected::Failed { reason } => Action::FailPayment { reason, attempts: *attempt },
            Collected::Again(next) => return Taken::Again(next),
        },
    })
}

/// What comes of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Something is asked of the order.
    Action(Action),
    /// Another step must come first.
    Again(NextStep),
}

/// A step of the past: what was asked of the order, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastStep {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub action: Action,
}

/// How an order that happened at `at` went on up to `now`: the steps whose time had come, and the next one with its
/// time, if there is one.
#[must_use]
pub fn past_steps(
    order_id: &str,
    created: &OrderEvent,
    (at, now): (Timestamp, Timestamp),
    options: &FulfilmentOptions,
) -> (Vec<PastStep>, Option<(Step, Timestamp)>) {
    let (mut steps, mut at) = (Vec::new(), at);
    let mut next = next_step(created, options);
    while let Some(NextStep { step, after }) = next {
        let due = at.plus(after);
        if due > now {
            return (steps, Some((step, due)));
        }
        at = due;
        next = match take(&step, order_id, options) {
            Taken::Action(action) => {
                let follows = next_step(&action.event(), options);
                steps.push(PastStep { at, action });
                follows
            }
            Taken::Again(again) => Some(again),
        };
    }
    (steps, None)
}

/// What comes of asking the payment provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collected {
    /// The order is paid.
    Paid {
        /// By what the provider knows the payment.
        reference: String,
    },
    /// It will not be.
    Failed {
        /// Why, for people.
        reason: String,
    },
    /// Ask again.
    Again(NextStep),
}

/// Asks the payment provider for the `attempt`-th time.
#[must_use]
pub fn collect(order_id: &str, attempt: u32, options: &FulfilmentOptions) -> Collected {
    match StandInProvider::new(options.payment).collect(order_id, attempt) {
        Answer::Accepted { reference } => Collected::Paid { reference },
        Answer::Declined { reason } => Collected::Failed { reason },
        Answer::Busy => Collected::Again(NextStep {
            step: Step::Collect { attempt: attempt + 1 },
            after: StandInProvider::wait_after(attempt, options.pace.pay),
        }),
    }
}

#[cfg(test)]
mod tests;
