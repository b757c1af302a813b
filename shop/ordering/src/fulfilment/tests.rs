use super::*;
use crate::events::{
    OrderApproved, OrderCancelled, OrderCreated, OrderDelivered, OrderPaid, OrderPaymentFailed, OrderPrepared,
    OrderRejected, OrderShipped,
};

fn options() -> FulfilmentOptions {
    FulfilmentOptions { order_cents_max: 10_000, ..FulfilmentOptions::default() }
}

fn created(total_cents: u64) -> OrderEvent {
    OrderCreated { customer_id: "7".into(), lines: Vec::new(), total_cents }.into()
}

fn step_after(event: impl Into<OrderEvent>) -> Option<Step> {
    next_step(&event.into(), &options()).map(|next| next.step)
}

#[test]
fn each_stage_leads_to_the_next() {
    assert_eq!(step_after(created(10_000)), Some(Step::Approve));
    assert_eq!(step_after(OrderApproved {}), Some(Step::Collect { attempt: 1 }));
    assert_eq!(step_after(OrderPaid { reference: String::new() }), Some(Step::Prepare));
    assert_eq!(step_after(OrderPrepared {}), Some(Step::Ship));
    assert_eq!(step_after(OrderShipped {}), Some(Step::Deliver));
}

#[test]
fn an_order_over_the_limit_is_rejected() {
    assert!(matches!(step_after(created(10_001)), Some(Step::Reject { reason }) if reason.contains("$100")));
}

#[test]
fn nothing_follows_an_end() {
    assert_eq!(step_after(OrderDelivered {}), None);
    assert_eq!(step_after(OrderRejected { reason: String::new() }), None);
    assert_eq!(step_after(OrderPaymentFailed { reason: String::new(), attempts: 1 }), None);
    assert_eq!(step_after(OrderCancelled { reason: String::new() }), None);
}

#[test]
fn a_busy_provider_is_asked_again_later_and_later_and_at_last_given_up() {
    let payment = PaymentOptions { busy_percent: 100, declined_percent: 0, attempts_max: 3 };
    let options = FulfilmentOptions { payment, ..options() };
    let Collected::Again(second) = collect("a", 1, &options) else { panic!("the first attempt is not the last") };
    let Collected::Again(third) = collect("a", 2, &options) else { panic!("nor is the second") };
    assert_eq!(second.step, Step::Collect { attempt: 2 });
    assert!(third.after > second.after);
    assert!(matches!(collect("a", 3, &options), Collected::Failed { .. }));
}

#[test]
fn what_was_paid_in_the_past_is_paid_at_once() {
    let always_declined = PaymentOptions { busy_percent: 0, declined_percent: 100, attempts_max: 1 };
    let options = FulfilmentOptions { payment: always_declined, ..options() };
    assert!(matches!(collect("a", 1, &options), Collected::Failed { .. }));
    assert!(matches!(collect("a", 1, &options.of_the_past()), Collected::Paid { .. }));
}

#[test]
fn a_person_sees_all_six_stages_within_fifteen_seconds() {
    let Pace { approve, pay, prepare, ship, deliver } = Pace::DEMO;
    let all = approve + pay + prepare + ship + deliver;
    assert!(all <= Duration::from_secs(15), "{all:?}");
}
