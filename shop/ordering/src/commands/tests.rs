use std::time::Duration;

use tradewind_events::Timestamp;
use tradewind_service::Command;
use tradewind_testkit::scenario::{given, given_nothing};

use super::*;
use crate::events::{
    OrderApproved, OrderCancelled, OrderCreated, OrderDelivered, OrderEvent, OrderLine, OrderPaid, OrderPaymentFailed,
    OrderPrepared, OrderRejected, OrderShipped,
};
use crate::fulfilment::{Action, PastStep};
use crate::order::{Order, Status};

fn line(product: &str, quantity: u32, unit_price_cents: u64) -> OrderLine {
    OrderLine {
        product_id: product.into(),
        name: format!("Product {product}"),
        department: "Grocery".into(),
        quantity,
        unit_price_cents,
    }
}

fn lines() -> Vec<OrderLine> {
    vec![line("1", 2, 259), line("2", 1, 99)]
}

fn place(lines: Vec<OrderLine>) -> PlaceOrder {
    PlaceOrder { customer_id: "1467".into(), lines, unknown_products: Vec::new(), expected_total_cents: None }
}

/// What happens to an order with which all goes well.
fn six_stages() -> [OrderEvent; 6] {
    [
        OrderCreated { customer_id: "1467".into(), lines: lines(), total_cents: 617 }.into(),
        OrderApproved {}.into(),
        OrderPaid { reference: "r".into() }.into(),
        OrderPrepared {}.into(),
        OrderShipped {}.into(),
        OrderDelivered {}.into(),
    ]
}

fn up_to(stage: Status) -> Vec<OrderEvent> {
    let place = Status::STAGES.iter().position(|s| *s == stage).unwrap();
    six_stages()[..=place].to_vec()
}

fn rejected() -> Vec<OrderEvent> {
    let mut history = up_to(Status::Created);
    history.push(OrderRejected { reason: "too large".into() }.into());
    history
}

fn unpaid() -> Vec<OrderEvent> {
    let mut history = up_to(Status::Approved);
    history.push(OrderPaymentFailed { reason: "declined".into(), attempts: 1 }.into());
    history
}

fn cancelled() -> Vec<OrderEvent> {
    let mut history = up_to(Status::Paid);
    history.push(OrderCancelled { reason: "changed my mind".into() }.into());
    history
}

#[test]
fn an_order_costs_what_its_lines_cost() {
    given_nothing::<Order>().when(place(lines())).then([OrderCreated {
        customer_id: "1467".into(),
        lines: lines(),
        total_cents: 617,
    }
    .into()]);
}

#[test]
fn an_order_is_placed_once() {
    given::<Order>(up_to(Status::Delivered)).when(place(lines())).then_rejected("order-exists");
    given::<Order>(up_to(Status::Created)).when(place(vec![line("1", 1, 259)])).then_rejected("order-exists");
    let of_another = PlaceOrder { customer_id: "7".into(), ..place(lines()) };
    given::<Order>(up_to(Status::Created)).when(of_another).then_rejected("order-exists");
}

#[test]
fn an_order_that_exists_is_told_before_what_it_would_cost_today() {
    let dearer = PlaceOrder { expected_total_cents: Some(1), ..place(lines()) };
    given::<Order>(up_to(Status::Created)).when(dearer).then_rejected("order-exists");
    let off_sale = PlaceOrder { unknown_products: vec!["2".into()], ..place(vec![line("1", 2, 259)]) };
    given::<Order>(up_to(Status::Created)).when(off_sale).then_rejected("order-exists");
}

#[test]
fn an_order_costs_what_the_customer_was_told_or_is_not_placed() {
    let told = |cents| PlaceOrder { expected_total_cents: Some(cents), ..place(lines()) };
    let created = OrderCreated { customer_id: "1467".into(), lines: lines(), total_cents: 617 };
    given_nothing::<Order>().when(told(617)).then([created.into()]);
    given_nothing::<Order>().when(told(616)).then_rejected("total-changed");
    given_nothing::<Order>().when(told(618)).then_rejected("total-changed");
}

#[test]
fn an_order_has_lines_but_not_too_many() {
    given_nothing::<Order>().when(place(Vec::new())).then_rejected("empty-order");
    let too_many = (0..=PlaceOrder::LINES_MAX).map(|n| line(&n.to_string(), 1, 1)).collect();
    given_nothing::<Order>().when(place(too_many)).then_rejected("too-many-lines");
}

#[test]
fn a_line_has_a_quantity_but_not_too_large() {
    given_nothing::<Order>().when(place(vec![line("1", 0, 259)])).then_rejected("bad-quantity");
    let too_large = vec![line("1", PlaceOrder::QUANTITY_MAX + 1, 259)];
    given_nothing::<Order>().when(place(too_large)).then_rejected("bad-quantity");
}

#[test]
fn a_product_is_in_an_order_once() {
    given_nothing::<Order>().when(place(vec![line("1", 1, 1), line("1", 2, 1)])).then_rejected("product-twice");
}

#[test]
fn what_is_not_on_sale_cannot_be_ordered() {
    let unknown = PlaceOrder { unknown_products: vec!["404".into(), "405".into()], ..place(lines()) };
    given_nothing::<Order>().when(unknown).then_rejected("unknown-product");
}

#[test]
fn an_order_belongs_to_somebody() {
    let nobodys = PlaceOrder { customer_id: " ".into(), ..place(lines()) };
    given_nothing::<Order>().when(nobodys).then_rejected("bad-customer");
}

#[test]
fn each_stage_follows_the_one_before() {
    given::<Order>(up_to(Status::Created)).when(ApproveOrder).then([OrderApproved {}.into()]);
    given::<Order>(up_to(Status::Approved))
        .when(RecordPayment { reference: "r".into() })
        .then([OrderPaid { reference: "r".into() }.into()]);
    given::<Order>(up_to(Status::Paid)).when(PrepareOrder).then([OrderPrepared {}.into()]);
    given::<Order>(up_to(Status::Prepared)).when(ShipOrder).then([OrderShipped {}.into()]);
    given::<Order>(up_to(Status::Shipped)).when(DeliverOrder).then([OrderDelivered {}.into()]);
}

#[test]
fn no_stage_is_skipped() {
    given::<Order>(up_to(Status::Created))
        .when(RecordPayment { reference: "r".into() })
        .then_rejected("order-not-so-far");
    given::<Order>(up_to(Status::Approved)).when(PrepareOrder).then_rejected("order-not-so-far");
    given::<Order>(up_to(Status::Paid)).when(ShipOrder).then_rejected("order-not-so-far");
    given::<Order>(up_to(Status::Created)).when(DeliverOrder).then_rejected("order-not-so-far");
}

#[test]
fn a_stage_that_is_reached_is_not_reached_again() {
    for stage in [Status::Approved, Status::Shipped, Status::Delivered] {
        given::<Order>(up_to(stage)).when(ApproveOrder).then_nothing();
    }
    given::<Order>(up_to(Status::Prepared)).when(RecordPayment { reference: "again".into() }).then_nothing();
    given::<Order>(up_to(Status::Delivered)).when(DeliverOrder).then_nothing();
}

#[test]
fn an_order_that_does_not_exist_goes_nowhere() {
    given_nothing::<Order>().when(ApproveOrder).then_rejected("no-such-order");
    given_nothing::<Order>().when(ShipOrder).then_rejected("no-such-order");
    given_nothing::<Order>().when(CancelOrder { reason: String::new() }).then_rejected("no-such-order");
}

#[test]
fn only_what_was_just_placed_can_be_rejected() {
    let reject = || RejectOrder { reason: "too large".into() };
    given::<Order>(up_to(Status::Created)).when(reject()).then([OrderRejected { reason: "too large".into() }.into()]);
    given::<Order>(rejected()).when(reject()).then_nothing();
    given::<Order>(up_to(Status::Approved)).when(reject()).then_rejected("order-too-far");
    given::<Order>(up_to(Status::Delivered)).when(reject()).then_rejected("order-has-ended");
}

#[test]
fn only_the_payment_of_an_approved_order_can_fail() {
    let fail = || FailPayment { reason: "declined".into(), attempts: 3 };
    given::<Order>(up_to(Status::Approved)).when(fail()).then([OrderPaymentFailed {
        reason: "declined".into(),
        attempts: 3,
    }
    .into()]);
    given::<Order>(unpaid()).when(fail()).then_nothing();
    given::<Order>(up_to(Status::Created)).when(fail()).then_rejected("order-not-so-far");
    given::<Order>(up_to(Status::Paid)).when(fail()).then_rejected("order-too-far");
}

#[test]
fn an_order_can_be_cancelled_until_its_goods_have_left() {
    let cancel = || CancelOrder { reason: "changed my mind".into() };
    for stage in [Status::Created, Status::Approved, Status::Paid, Status::Prepared] {
        given::<Order>(up_to(stage)).when(cancel()).then([OrderCancelled { reason: "changed my mind".into() }.into()]);
    }
    given::<Order>(up_to(Status::Shipped)).when(cancel()).then_rejected("order-already-shipped");
    given::<Order>(up_to(Status::Delivered)).when(cancel()).then_rejected("order-has-ended");
}

#[test]
fn cancelling_again_changes_nothing() {
    given::<Order>(cancelled()).when(CancelOrder { reason: "really".into() }).then_nothing();
}

#[test]
fn a_reason_has_a_length() {
    let endless = CancelOrder { reason: "x".repeat(501) };
    given::<Order>(up_to(Status::Created)).when(endless).then_rejected("reason-too-long");
}

#[test]
fn nothing_happens_to_an_order_that_has_ended() {
    for history in [rejected(), unpaid(), cancelled()] {
        given::<Order>(history.clone()).when(ApproveOrder).then_rejected("order-has-ended");
        given::<Order>(history.clone()).when(RecordPayment { reference: "r".into() }).then_rejected("order-has-ended");
        given::<Order>(history.clone()).when(ShipOrder).then_rejected("order-has-ended");
        given::<Order>(history).when(DeliverOrder).then_rejected("order-has-ended");
    }
    given::<Order>(rejected()).when(CancelOrder { reason: String::new() }).then_rejected("order-has-ended");
    given::<Order>(unpaid()).when(CancelOrder { reason: String::new() }).then_rejected("order-has-ended");
}

/// Steps that were taken on one day of the past, an hour after each other.
fn past(actions: impl IntoIterator<Item = Action>) -> FollowThePast {
    let hour = |n: usize| Timestamp::EPOCH.plus(Duration::from_secs(3_600 * n as u64));
    let step = |(n, action)| PastStep { at: hour(n), action };
    FollowThePast { steps: actions.into_iter().enumerate().map(step).collect(), asked_by: "fulfil-order" }
}

#[test]
fn the_past_follows_step_by_step_each_at_its_own_time() {
    let paid = Action::RecordPayment { reference: "r".into() };
    let all = || past([Action::Approve, paid.clone(), Action::Prepare, Action::Ship, Action::Deliver]);
    given(up_to(Status::Created)).when(all()).then(six_stages()[1..].to_vec());
    given(up_to(Status::Prepared)).when(all()).then(six_stages()[4..].to_vec());
    given(up_to(Status::Delivered)).when(all()).then_nothing();
    let times = six_stages()[1..].iter().map(|event| all().time_of(event, Timestamp::EPOCH)).collect::<Vec<_>>();
    assert_eq!(times, all().steps.iter().map(|step| step.at).collect::<Vec<_>>());
}

#[test]
fn no_step_of_the_past_is_taken_if_a_rule_says_no_to_one() {
    given(cancelled()).when(past([Action::Approve, Action::Ship])).then_rejected("order-has-ended");
    given(up_to(Status::Created)).when(past([Action::Approve, Action::Ship])).then_rejected("order-not-so-far");
    given_nothing::<Order>().when(past([Action::Approve])).then_rejected("no-such-order");
}
