use std::time::Duration;

use tradewind_events::{Event, EventType, Metadata, Position, Revision};
use tradewind_service::DomainEvent;

use super::*;
use crate::events::{OrderApproved, OrderCancelled, OrderCreated, OrderDelivered};
use crate::pace::Pace;
use crate::payment::PaymentOptions;

const NOON: &str = "2017-03-31T12:00:00Z";

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn process(busy_percent: u8, declined_percent: u8) -> FulfilOrder {
    let payment = PaymentOptions { busy_percent, declined_percent, attempts_max: 3 };
    FulfilOrder::new(FulfilmentOptions { payment, ..FulfilmentOptions::default() })
}

fn recorded(event: impl Into<OrderEvent>, backdated: bool) -> Recorded {
    let event: OrderEvent = event.into();
    let mut metadata = Metadata::default();
    if backdated {
        metadata.extensions.insert("backdated".into(), "true".into());
    }
    let raw = Event {
        data: event.encode().unwrap().into(),
        metadata,
        ..Event::new(EventType::new(event.event_type()).unwrap(), moment(NOON), &()).unwrap()
    };
    Recorded::assemble("order-a", &raw, Position(1), Revision(0), moment(NOON))
}

fn created() -> OrderCreated {
    OrderCreated { customer_id: "7".into(), lines: Vec::new(), total_cents: 100 }
}

fn after(own: &[FulfilmentEvent]) -> Fulfilment {
    let mut state = Fulfilment::default();
    own.iter().for_each(|event| state.evolve(event));
    state
}

fn planned(step: Step, after: Duration, of_the_past: bool) -> FulfilmentEvent {
    StepPlanned { order_id: "a".into(), step, due: moment(NOON).plus(after), of_the_past }.into()
}

#[test]
fn a_step_is_planned_from_the_time_of_what_it_follows() {
    let heard = process(0, 0).on_event(&Fulfilment::default(), &recorded(created(), false)).unwrap();
    assert_eq!(heard, [planned(Step::Approve, Pace::DEMO.approve, false)]);
}

#[test]
fn an_order_of_the_past_is_fulfilled_in_the_past_at_an_ordinary_pace() {
    let heard = process(100, 100).on_event(&Fulfilment::default(), &recorded(OrderApproved {}, true)).unwrap();
    assert_eq!(heard, [planned(Step::Collect { attempt: 1 }, Pace::ORDINARY.pay, true)]);
    let taken = process(100, 100).on_timer(&after(&heard), TIMER);
    assert!(
        matches!(&taken[..], [FulfilmentEvent::StepTaken(StepTaken { action: Action::RecordPayment { .. } })]),
        "it was paid, whatever the stand-in is like: {taken:?}"
    );
}

#[test]
fn a_planned_step_waits_for_its_time() {
    let plan = planned(Step::Ship, Duration::from_secs(3), false);
    let effects = process(0, 0).effects("a", &plan, moment(NOON));
    let due = moment("2017-03-31T12:00:03Z");
    assert!(matches!(&effects[..], [Effect::SetTimer { name, due: at }] if name == TIMER && *at == due));
}

#[test]
fn a_step_whose_time_has_come_is_taken_once() {
    let plan = planned(Step::Ship, Duration::ZERO, false);
    let taken = process(0, 0).on_timer(&after(std::slice::from_ref(&plan)), TIMER);
    assert_eq!(taken, [StepTaken { action: Action::Ship }.into()]);
    assert_eq!(process(0, 0).on_timer(&after(&[plan, taken[0].clone()]), TIMER), []);
    assert!(matches!(&process(0, 0).effects("a", &taken[0], moment(NOON))[..], [Effect::Command(_)]));
}

#[test]
fn a_busy_payment_provider_is_asked_again_and_then_given_up() {
    let mut own = vec![planned(Step::Collect { attempt: 1 }, Duration::ZERO, false)];
    for attempt in [2, 3] {
        let again = process(100, 0).on_timer(&after(&own), TIMER);
        let [FulfilmentEvent::StepPlanned(plan)] = &again[..] else { panic!("{again:?}") };
        assert_eq!(plan.step, Step::Collect { attempt });
        own.extend(again);
    }
    let given_up = process(100, 0).on_timer(&after(&own), TIMER);
    assert!(
        matches!(
            &given_up[..],
            [FulfilmentEvent::StepTaken(StepTaken { action: Action::FailPayment { attempts: 3, .. } })]
        ),
        "{given_up:?}"
    );
}

#[test]
fn a_cancelled_order_goes_no_further() {
    let state = after(&[planned(Step::Prepare, Duration::ZERO, false)]);
    let cancelled = OrderCancelled { reason: String::new() };
    let heard = process(0, 0).on_event(&state, &recorded(cancelled, false)).unwrap();
    assert_eq!(heard, [FulfilmentEnded {}.into()]);
    assert!(matches!(&process(0, 0).effects("a", &heard[0], moment(NOON))[..], [Effect::CancelTimer { .. }]));
    assert_eq!(process(0, 0).on_timer(&after(&heard), TIMER), []);
}

#[test]
fn nothing_is_planned_after_the_last_stage() {
    let heard = process(0, 0).on_event(&Fulfilment::default(), &recorded(OrderDelivered {}, false)).unwrap();
    assert_eq!(heard, []);
}

#[test]
fn what_is_recorded_is_read_back() {
    let all: [FulfilmentEvent; 3] = [
        planned(Step::Reject { reason: "too large".into() }, Duration::ZERO, true),
        StepTaken { action: Action::FailPayment { reason: "declined".into(), attempts: 2 } }.into(),
        FulfilmentEnded {}.into(),
    ];
    for event in all {
        let again = FulfilmentEvent::decode(event.event_type(), &event.encode().unwrap()).unwrap();
        assert_eq!(again, Some(event));
    }
}
