use serde::{Deserialize, Serialize};
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::{CommandContext, Effect, Entity, ProcessManager, ReactionError, decode, events};

use crate::commands::{ApproveOrder, DeliverOrder, FailPayment, PrepareOrder, RecordPayment, RejectOrder, ShipOrder};
use crate::events::OrderEvent;
use crate::fulfilment::{Collected, FulfilmentOptions, NextStep, Step, collect, next_step};
use crate::order::Order;

/// Drives each order from placed to delivered: whenever something has happened to it, the next step is planned; when
/// its time has come, it is taken. The plan is recorded, so that it outlives the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct FulfilOrder {
    options: FulfilmentOptions,
}

events! {
    /// What can happen in the fulfilment of one order.
    pub enum FulfilmentEvent {
        StepPlanned,
        StepTaken,
        FulfilmentEnded,
    }
}

/// A step is to be taken at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPlanned {
    /// Of which order.
    pub order_id: String,
    /// Which step.
    #[serde(flatten)]
    pub step: Step,
    /// When.
    pub due: Timestamp,
    /// Whether the order was brought in from the past, and is fulfilled as it was there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_the_past: bool,
}

/// The time has come, and this is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTaken {
    /// What.
    #[serde(flatten)]
    pub action: Action,
}

/// The order has ended before it was delivered, and no step is to be taken any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FulfilmentEnded {}

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

/// What is remembered of the fulfilment of one order: the step that is planned.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Fulfilment {
    planned: Option<StepPlanned>,
}

impl Entity for Fulfilment {
    const CATEGORY: &'static str = "fulfilment";
    const STATE_VERSION: u16 = 1;
    type Event = FulfilmentEvent;

    fn evolve(&mut self, event: &FulfilmentEvent) {
        self.planned = match event {
            FulfilmentEvent::StepPlanned(planned) => Some(planned.clone()),
            FulfilmentEvent::StepTaken(_) | FulfilmentEvent::FulfilmentEnded(_) => None,
        };
    }
}

/// An order has one timer: that of its next step.
const TIMER: &str = "next-step";

impl FulfilOrder {
    /// One that fulfils orders so.
    #[must_use]
    pub fn new(options: FulfilmentOptions) -> Self {
        Self { options }
    }

    fn options(&self, of_the_past: bool) -> FulfilmentOptions {
        if of_the_past { self.options.of_the_past() } else { self.options }
    }
}

impl ProcessManager for FulfilOrder {
    type State = Fulfilment;

    fn name(&self) -> &'static str {
        "fulfil-order"
    }

    fn query(&self) -> Query {
        Query::category(Order::CATEGORY)
    }

    fn instance(&self, event: &Recorded) -> Option<String> {
        Some(event.entity_id().to_owned())
    }

    fn on_event(&self, state: &Fulfilment, event: &Recorded) -> Result<Vec<FulfilmentEvent>, ReactionError> {
        let Some(happened) = decode::<OrderEvent>(event)? else { return Ok(Vec::new()) };
        // What is brought in from the past has consequences in the past.
        let of_the_past = CommandContext::caused_by(event, "").at.is_some();
        Ok(match next_step(&happened, &self.options(of_the_past)) {
            Some(NextStep { step, after }) => {
                let order_id = event.entity_id().to_owned();
                vec![StepPlanned { order_id, step, due: event.time().plus(after), of_the_past }.into()]
            }
            None if state.planned.is_some() => vec![FulfilmentEnded {}.into()],
            None => Vec::new(),
        })
    }

    fn on_timer(&self, state: &Fulfilment, _timer: &str) -> Vec<FulfilmentEvent> {
        let Some(planned) = &state.planned else { return Vec::new() };
        let action = match &planned.step {
            Step::Approve => Action::Approve,
            Step::Reject { reason } => Action::Reject { reason: reason.clone() },
            Step::Prepare => Action::Prepare,
            Step::Ship => Action::Ship,
            Step::Deliver => Action::Deliver,
            Step::Collect { attempt } => {
                match collect(&planned.order_id, *attempt, &self.options(planned.of_the_past)) {
                    Collected::Paid { reference } => Action::RecordPayment { reference },
                    Collected::Failed { reason } => Action::FailPayment { reason, attempts: *attempt },
                    Collected::Again(NextStep { step, after }) => {
                        return vec![StepPlanned { step, due: planned.due.plus(after), ..planned.clone() }.into()];
                    }
                }
            }
        };
        vec![StepTaken { action }.into()]
    }

    fn effects(&self, order: &str, event: &FulfilmentEvent, _at: Timestamp) -> Vec<Effect> {
        vec![match event {
            FulfilmentEvent::StepPlanned(planned) => Effect::timer(TIMER, planned.due),
            FulfilmentEvent::StepTaken(taken) => effect_of(order, &taken.action),
            FulfilmentEvent::FulfilmentEnded(_) => Effect::cancel(TIMER),
        }]
    }
}

fn effect_of(order: &str, action: &Action) -> Effect {
    match action.clone() {
        Action::Approve => Effect::command(order, ApproveOrder),
        Action::Reject { reason } => Effect::command(order, RejectOrder { reason }),
        Action::RecordPayment { reference } => Effect::command(order, RecordPayment { reference }),
        Action::FailPayment { reason, attempts } => Effect::command(order, FailPayment { reason, attempts }),
        Action::Prepare => Effect::command(order, PrepareOrder),
        Action::Ship => Effect::command(order, ShipOrder),
        Action::Deliver => Effect::command(order, DeliverOrder),
    }
}

#[cfg(test)]
mod tests;
