use serde::{Deserialize, Serialize};
use shop_contracts::Contract;
use shop_contracts::inventory::{GoodsReserved, GoodsUnavailable, Short};
use tradewind_events::{EventType, Query, QueryItem, Recorded, Timestamp};
use tradewind_service::{CommandContext, Effect, Entity, ProcessManager, ReactionError, decode, events};

use crate::commands::{
    ApproveOrder, DeliverOrder, FailPayment, FollowThePast, PrepareOrder, RecordPayment, RejectOrder, ShipOrder,
};
use crate::events::OrderEvent;
use crate::fulfilment::{
    Action, FulfilmentOptions, GoodsAnswer, NextStep, PastStep, Step, Taken, next_step, past_steps, take,
};
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
        GoodsAwaited,
        GoodsTold,
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

/// Nothing is planned before inventory has said whether the goods are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsAwaited {}

/// Inventory has said so before the order itself was heard of: of two sources either can come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsTold {
    /// What it said.
    #[serde(flatten)]
    pub answer: GoodsAnswer,
}

/// What is remembered of the fulfilment of one order: the step that is planned, and whether its goods are there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Fulfilment {
    planned: Option<StepPlanned>,
    goods: Goods,
}

/// What is known of the goods of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Goods {
    /// Nothing yet, and nobody waits for it.
    #[default]
    Unheard,
    /// The order waits to hear of them.
    Awaited,
    /// This, and the order has not been heard of.
    Told(GoodsAnswer),
    /// What has been acted upon, or is needed no longer.
    Settled,
}

impl Entity for Fulfilment {
    const CATEGORY: &'static str = "fulfilment";
    const STATE_VERSION: u16 = 2;
    type Event = FulfilmentEvent;

    fn evolve(&mut self, event: &FulfilmentEvent) {
        (self.planned, self.goods) = match event {
            FulfilmentEvent::StepPlanned(planned) => (Some(planned.clone()), Goods::Settled),
            FulfilmentEvent::StepTaken(_)
            | FulfilmentEvent::PastStepsTaken(_)
            | FulfilmentEvent::FulfilmentEnded(_) => (None, Goods::Settled),
            FulfilmentEvent::GoodsAwaited(_) => (None, Goods::Awaited),
            FulfilmentEvent::GoodsTold(told) => (None, Goods::Told(told.answer.clone())),
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

    /// What inventory tells that it listens to.
    #[must_use]
    pub fn query_of_goods() -> Query {
        let types = [GoodsReserved::TYPE, GoodsUnavailable::TYPE];
        let types = types.into_iter().filter_map(|name| EventType::new(name).ok()).collect();
        Query { items: vec![QueryItem { categories: vec!["reservation".to_owned()], types, ..QueryItem::default() }] }
    }

    fn plan(&self, event: &Recorded, next: NextStep, of_the_past: bool) -> Vec<FulfilmentEvent> {
        let (order_id, due) = (event.entity_id().to_owned(), event.time().plus(next.after));
        vec![StepPlanned { order_id, step: next.step, due, of_the_past }.into()]
    }

    /// What follows from an order, if its goods must be there first.
    fn on_created(&self, state: &Fulfilment, event: &Recorded, next: NextStep) -> Vec<FulfilmentEvent> {
        match &state.goods {
            // Whatever inventory says.
            _ if next.step != Step::Approve => self.plan(event, next, false),
            Goods::Told(answer) => self.plan(event, answer.clone().next_step(&self.options), false),
            Goods::Unheard | Goods::Awaited | Goods::Settled => vec![GoodsAwaited {}.into()],
        }
    }

    /// What follows from what inventory has said.
    fn on_goods(&self, state: &Fulfilment, event: &Recorded, answer: GoodsAnswer) -> Vec<FulfilmentEvent> {
        match state.goods {
            Goods::Awaited => self.plan(event, answer.next_step(&self.options), false),
            Goods::Unheard => vec![GoodsTold { answer }.into()],
            // The order has ended meanwhile, or was accepted when nobody asked for goods.
            Goods::Told(_) | Goods::Settled => Vec::new(),
        }
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
        match event.event_type() {
            GoodsReserved::TYPE => return Ok(self.on_goods(state, event, GoodsAnswer::Reserved)),
            GoodsUnavailable::TYPE => {
                let GoodsUnavailable { short, .. } = event.parse()?;
                return Ok(self.on_goods(state, event, GoodsAnswer::Unavailable { reason: missing(&short) }));
            }
            _ => {}
        }
        let Some(happened) = decode::<OrderEvent>(event)? else { return Ok(Vec::new()) };
        // What is brought in from the past has consequences in the past.
        let of_the_past = CommandContext::caused_by(event, "").at.is_some();
        if of_the_past && matches!(happened, OrderEvent::OrderCreated(_)) {
            return Ok(self.catch_up(event.entity_id(), &happened, event));
        }
        Ok(match next_step(&happened, &self.options(of_the_past)) {
            Some(next) if self.options.needs_goods && matches!(happened, OrderEvent::OrderCreated(_)) => {
                self.on_created(state, event, next)
            }
            Some(next) => self.plan(event, next, of_the_past),
            None if state.planned.is_some() || state.goods == Goods::Awaited => vec![FulfilmentEnded {}.into()],
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
            FulfilmentEvent::GoodsAwaited(_) | FulfilmentEvent::GoodsTold(_) => return Vec::new(),
        }]
    }
}

/// The most products that are named to people as missing.
const NAMED_MAX: usize = 3;

/// What is missing, for people.
fn missing(short: &[Short]) -> String {
    let one = |short: &Short| match short.available {
        0 => format!("{} is sold out", short.name),
        there => format!("of {} only {there} of {} are there", short.name, short.wanted),
    };
    let mut named = short.iter().take(NAMED_MAX).map(one).collect::<Vec<_>>().join("; ");
    if let Some(others) = short.len().checked_sub(NAMED_MAX).filter(|others| *others > 0) {
        named += &format!("; and {others} more");
    }
    named
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
