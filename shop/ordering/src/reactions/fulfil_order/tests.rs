use std::time::Duration;

use tradewind_events::{Event, EventType, Metadata, Position, Revision};
use tradewind_service::DomainEvent;

use super::*;
use crate::events::{OrderApproved, OrderCancelled, OrderCreated, OrderDelivered};
use crate::order::Status;
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
    recorded_later(event, backdated, Duration::ZERO)
}

/// Something that happened at noon, and was recorded so much later.
fn recorded_later(event: impl Into<OrderEvent>, backdated: bool, later: Duration) -> Recorded {
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
    Recorded::assemble("order-a", &raw, Position(1), Revision(0), moment(NOON).plus(later))
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

const YEARS: Duration = Duration::from_secs(3 * 365 * 24 * 3_600);

#[test]
fn all_steps_of_an_order_of_long_ago_are_taken_at_once_each_at_its_own_time() {
    let heard = process(100, 100).on_event(&Fulfilment::default(), &recorded_later(created(), true, YEARS)).unwrap();
    let [FulfilmentEvent::PastStepsTaken(PastStepsTaken { steps })] = &heard[..] else { panic!("{heard:?}") };
    let pace = Pace::ORDINARY;
    let mut at = moment(NOON);
    for (step, after) in steps.iter().zip([pace.approve, pace.pay, pace.prepare, pace.ship, pace.deliver]) {
        at = at.plus(after);
        assert_eq!(step.at, at, "{step:?}");
    }
    let statuses: Vec<Status> = steps.iter().map(|step| step.action.leads_to()).collect();
    assert_eq!(statuses, Status::STAGES[1..], "paid, whatever the stand-in is like");
    assert!(matches!(&process(0, 0).effects("a", &heard[0], at)[..], [Effect::Command(_)]));
    assert_eq!(process(0, 0).on_timer(&after(&heard), TIMER), [], "nothing is left to do");
}

#[test]
fn an_order_of_an_hour_ago_is_where_it_was_then_and_goes_on_at_its_time() {
    let hour = Duration::from_secs(3_600);
    let heard = process(0, 0).on_event(&Fulfilment::default(), &recorded_later(created(), true, hour)).unwrap();
    let [FulfilmentEvent::PastStepsTaken(PastStepsTaken { steps }), next] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(steps.last().map(|step| step.action.leads_to()), Some(Status::Paid));
    let pace = Pace::ORDINARY;
    assert_eq!(*next, planned(Step::Prepare, pace.approve + pace.pay + pace.prepare, true));
    let taken = process(0, 0).on_timer(&after(&heard), TIMER);
    assert_eq!(taken, [StepTaken { action: Action::Prepare }.into()]);
}

#[test]
fn an_order_of_the_past_that_was_too_large_is_rejected_there() {
    let large = OrderCreated { total_cents: 100_001, ..created() };
    let heard = process(0, 0).on_event(&Fulfilment::default(), &recorded_later(large, true, YEARS)).unwrap();
    let [FulfilmentEvent::PastStepsTaken(PastStepsTaken { steps })] = &heard[..] else { panic!("{heard:?}") };
    assert!(matches!(&steps[..], [PastStep { action: Action::Reject { .. }, .. }]), "{steps:?}");
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
    let paid = Action::RecordPayment { reference: "r".into() };
    let all: [FulfilmentEvent; 6] = [
        GoodsAwaited {}.into(),
        GoodsTold { answer: GoodsAnswer::Unavailable { reason: "sold out".into() } }.into(),
        PastStepsTaken { steps: vec![PastStep { at: moment(NOON), action: paid }] }.into(),
        planned(Step::Reject { reason: "too large".into() }, Duration::ZERO, true),
        StepTaken { action: Action::FailPayment { reason: "declined".into(), attempts: 2 } }.into(),
        FulfilmentEnded {}.into(),
    ];
    for event in all {
        let again = FulfilmentEvent::decode(event.event_type(), &event.encode().unwrap()).unwrap();
        assert_eq!(again, Some(event));
    }
}

fn needing_goods() -> FulfilOrder {
    FulfilOrder::new(FulfilmentOptions { needs_goods: true, ..FulfilmentOptions::default() })
}

fn told_of_goods<C: Contract>(contract: &C) -> Recorded {
    let raw = Event::new(EventType::new(C::TYPE).unwrap(), moment(NOON), contract).unwrap();
    let told = Recorded::assemble("reservation-a", &raw, Position(9), Revision(0), moment(NOON));
    assert!(FulfilOrder::query_of_goods().matches(&told));
    assert_eq!(needing_goods().instance(&told), needing_goods().instance(&recorded(created(), false)));
    told
}

fn reserved() -> Recorded {
    told_of_goods(&GoodsReserved { order_id: "a".into() })
}

fn unavailable() -> Recorded {
    let short = |name: &str, available| Short { product_id: "1".into(), name: name.into(), wanted: 3, available };
    let short = vec![short("Milk", 0), short("Bread", 2), short("Salt", 0), short("Soap", 0)];
    told_of_goods(&GoodsUnavailable { order_id: "a".into(), short })
}

/// What is recorded when these are heard in this order.
fn heard(process: FulfilOrder, events: &[Recorded]) -> Vec<FulfilmentEvent> {
    let mut own = Vec::new();
    for event in events {
        own.extend(process.on_event(&after(&own), event).unwrap());
    }
    own
}

#[test]
fn an_order_is_accepted_when_its_goods_are_set_aside_whichever_is_heard_first() {
    let approved = planned(Step::Approve, Pace::DEMO.approve, false);
    let order = || recorded(created(), false);
    assert_eq!(heard(needing_goods(), &[order(), reserved()]), [GoodsAwaited {}.into(), approved.clone()]);
    let told: FulfilmentEvent = GoodsTold { answer: GoodsAnswer::Reserved }.into();
    assert_eq!(heard(needing_goods(), &[reserved(), order()]), [told.clone(), approved.clone()]);
    // Neither sets a timer by itself.
    assert!(needing_goods().effects("a", &told, moment(NOON)).is_empty());
    // Where nobody is asked, nobody is waited for.
    assert_eq!(heard(process(0, 0), &[order(), reserved()]), [approved]);
}

#[test]
fn an_order_whose_goods_are_not_there_is_rejected_and_told_what_is_missing() {
    let reason = "Milk is sold out; of Bread only 2 of 3 are there; Salt is sold out; and 1 more".to_owned();
    let rejected = planned(Step::Reject { reason }, Pace::DEMO.approve, false);
    let order = || recorded(created(), false);
    assert_eq!(heard(needing_goods(), &[order(), unavailable()])[1..], *std::slice::from_ref(&rejected));
    assert_eq!(heard(needing_goods(), &[unavailable(), order()])[1..], [rejected]);
}

#[test]
fn an_order_that_is_too_large_is_rejected_whatever_inventory_says() {
    let large = || recorded(OrderCreated { total_cents: 100_001, ..created() }, false);
    for events in [[large(), reserved()], [reserved(), large()]] {
        let own = heard(needing_goods(), &events);
        let last = own.last().unwrap();
        assert!(matches!(last, FulfilmentEvent::StepPlanned(StepPlanned { step: Step::Reject { .. }, .. })), "{own:?}");
    }
}

#[test]
fn an_order_that_is_cancelled_before_its_goods_are_known_goes_no_further() {
    let cancelled = recorded(OrderCancelled { reason: String::new() }, false);
    let own = heard(needing_goods(), &[recorded(created(), false), cancelled, reserved()]);
    assert_eq!(own, [GoodsAwaited {}.into(), FulfilmentEnded {}.into()]);
}

#[test]
fn an_order_of_the_past_had_its_goods() {
    let own = heard(needing_goods(), &[recorded_later(created(), true, YEARS)]);
    assert!(matches!(&own[..], [FulfilmentEvent::PastStepsTaken(_)]), "{own:?}");
}
