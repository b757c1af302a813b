use tradewind_events::Position;
use tradewind_testkit::scenario::{given, given_nothing};

use super::*;
use crate::books::{CreditNoteBook, InvoiceBook};
use crate::debtor::Debtor;
use crate::events::{
    AwaitedOrder, AwaitedWithdrawn, CreditNoteEvent, CustomerArrived, DebtorEvent, InvoiceAwaited, InvoiceEvent,
    InvoiceIssued,
};
use crate::layouts::CURRENT;
use crate::layouts::tests::{credit_note, invoice, seller};

fn issue() -> IssueInvoice {
    let InvoiceIssued { bill_to, customer_id, order_id, ordered_at, paid_at, lines, total_cents, .. } =
        invoice(CURRENT);
    IssueInvoice { seller: seller(), bill_to, customer_id, order_id, ordered_at, paid_at, lines, total_cents }
}

fn numbered(number: &str) -> InvoiceEvent {
    InvoiceIssued { number: number.into(), ..invoice(CURRENT) }.into()
}

#[test]
fn the_first_invoice_of_a_year_has_the_first_number() {
    given_nothing::<InvoiceBook>().when(issue()).then([numbered("INV-2017-000001")]);
}

#[test]
fn numbers_follow_each_other_and_outgrow_their_digits() {
    let book = [numbered("INV-2017-000001"), numbered("INV-2017-000002")];
    given::<InvoiceBook>(book).when(issue()).then([numbered("INV-2017-000003")]);
    let full = InvoiceBook { issued: 999_999 };
    assert_eq!(full.next_number(&issue().dated()), "INV-2017-1000000");
}

#[test]
fn an_invoice_bears_the_day_of_its_payment_whenever_it_is_written() {
    // It is written years later, and looks the same.
    given_nothing::<InvoiceBook>().when(issue()).at("2026-11-25T00:00:00Z").then([numbered("INV-2017-000001")]);
    assert_eq!((issue().dated().as_str(), issue().dated().year()), ("2017-03-31", "2017"));
}

#[test]
fn a_credit_note_takes_back_what_the_invoice_charged() {
    let command = IssueCreditNote {
        seller: seller(),
        invoice: invoice(CURRENT),
        called_off_at: "2017-04-01T09:00:00Z".parse().unwrap(),
        reason: "ordered <twice> by mistake".into(),
    };
    let expected = |number: &str| -> CreditNoteEvent {
        crate::events::CreditNoteIssued { number: number.into(), ..credit_note(CURRENT) }.into()
    };
    given_nothing::<CreditNoteBook>().when(command.clone()).then([expected("CN-2017-000001")]);
    given::<CreditNoteBook>([expected("CN-2017-000001")]).when(command).then([expected("CN-2017-000002")]);
}

fn order(id: &str) -> AwaitedOrder {
    AwaitedOrder { id: id.into(), told_at: Position(7) }
}

fn waits(id: &str) -> AwaitCustomer {
    AwaitCustomer { customer_id: "1467".into(), order: order(id) }
}

fn awaited(id: &str) -> DebtorEvent {
    InvoiceAwaited { customer_id: "1467".into(), order: order(id) }.into()
}

fn arrived(orders: &[&str]) -> DebtorEvent {
    CustomerArrived { customer_id: "1467".into(), orders: orders.iter().map(|id| order(id)).collect() }.into()
}

fn arrival() -> NoteArrival {
    NoteArrival { customer_id: "1467".into() }
}

#[test]
fn an_order_waits_for_its_customer_once() {
    given_nothing::<Debtor>().when(waits("a")).then([awaited("a")]);
    given::<Debtor>([awaited("a")]).when(waits("a")).then_nothing();
    given::<Debtor>([awaited("a")]).when(waits("b")).then([awaited("b")]);
}

#[test]
fn who_arrives_releases_all_that_has_waited() {
    given::<Debtor>([awaited("a"), awaited("b")]).when(arrival()).then([arrived(&["a", "b"])]);
    given_nothing::<Debtor>().when(arrival()).then([arrived(&[])]);
    given::<Debtor>([arrived(&[])]).when(arrival()).then_nothing();
}

#[test]
fn nothing_waits_for_a_customer_who_is_known() {
    given::<Debtor>([arrived(&[])]).when(waits("a")).then_rejected(CUSTOMER_KNOWN);
}

#[test]
fn an_order_that_is_called_off_while_it_waits_is_not_released() {
    let withdraw = || WithdrawAwaited { order_id: "a".into() };
    let withdrawn: DebtorEvent = AwaitedWithdrawn { order_id: "a".into() }.into();
    given::<Debtor>([awaited("a")]).when(withdraw()).then([withdrawn.clone()]);
    given::<Debtor>([awaited("a"), awaited("b"), withdrawn.clone()]).when(arrival()).then([arrived(&["b"])]);
    given::<Debtor>([awaited("a"), withdrawn]).when(withdraw()).then_nothing();
}

#[test]
fn an_order_that_was_released_is_not_withdrawn_any_more() {
    let withdraw = WithdrawAwaited { order_id: "a".into() };
    given::<Debtor>([awaited("a"), arrived(&["a"])]).when(withdraw.clone()).then_rejected("order-released");
    given::<Debtor>([arrived(&[])]).when(withdraw).then_nothing();
}

#[test]
fn not_everything_waits() {
    let many = (0..Debtor::WAITING_MAX).map(|n| awaited(&n.to_string()));
    given::<Debtor>(many).when(waits("one more")).then_rejected("too-many-awaited");
}

#[test]
fn any_customer_can_be_waited_for() {
    assert_eq!(Debtor::id_of("1467"), "1467");
    assert_eq!(Debtor::id_of("ann, jr."), "ann%2C%20jr.");
    assert_ne!(Debtor::id_of("a:b"), Debtor::id_of("b"));
}
