use serde::{Deserialize, Serialize};
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::{CommandContext, Effect, Entity, ProcessManager, ReactionError, decode, events};

use crate::commands::{
    ApproveOrder, DeliverOrder, FailPayment, FollowThePast, PrepareOrder, RecordPayment, RejectOrder, ShipOrder,
};
use crate::events::OrderEvent;
use crate::fulfilment::{Action, FulfilmentOptions, NextStep, PastStep, Step, Taken, next_step, past_steps, take};
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
        PastStepsTaken,
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

/// The order was brought in from the past, and these steps are behind: all of them are taken at once, each at its own
/// time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastStepsTaken {
    /// The steps, in their order.
    pub steps: Vec<PastStep>,
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
            FulfilmentEvent::StepTaken(_)
            | FulfilmentEvent::PastStepsTaken(_)
            | FulfilmentEvent::FulfilmentEnded(_) => None,
        };
    }
}

/// Its name.
const NAME: &str = "fulfil-order";
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

    /// The steps of an order of the past that are behind, and the plan of the next one. What was behind when the order
    /// was recorded stays so, whenever and how often this is asked.
    fn catch_up(&self, order_id: &str, created: &OrderEvent, event: &Recorded) -> Vec<FulfilmentEvent> {
        let times = (event.time(), event.recorded_at());
        let (steps, next) = past_steps(order_id, created, times, &self.options(true));
        let taken = (!steps.is_empty()).then(|| PastStepsTaken { steps }.into());
        let planned = next.map(|(step, due)| {
            let order_id = order_id.to_owned();
            StepPlanned { order_id, step, due, of_the_past: true }.into()
        });
        taken.into_iter().chain(planned).collect()
    }
}

impl ProcessManager for FulfilOrder {
    type State = Fulfilment;

    fn name(&self) -> &'static str {
        NAME
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
        if of_the_past && matches!(happened, OrderEvent::OrderCreated(_)) {
            return Ok(self.catch_up(event.entity_id(), &happened, event));
        }
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
        match take(&planned.step, &planned.order_id, &self.options(planned.of_the_past)) {
            Taken::Action(action) => vec![StepTaken { action }.into()],
            Taken::Again(NextStep { step, after }) => {
                vec![StepPlanned { step, due: planned.due.plus(after), ..planned.clone() }.into()]
            }
        }
    }

    fn effects(&self, order: &str, event: &FulfilmentEvent, _at: Timestamp) -> Vec<Effect> {
        vec![match event {
            FulfilmentEvent::StepPlanned(planned) => Effect::timer(TIMER, planned.due),
            FulfilmentEvent::StepTaken(taken) => effect_of(order, &taken.action),
            FulfilmentEvent::PastStepsTaken(PastStepsTaken { steps }) => {
                Effect::command(order, FollowThePast { steps: steps.clone(), asked_by: NAME })
            }
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
