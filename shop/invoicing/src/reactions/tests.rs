mod system;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use system::{System, a_while, eventually};

const JANUARY: &str = "2017-01-01T08:00:00Z";
const MARCH: &str = "2017-03-31T10:20:30Z";
const JUNE: &str = "2017-06-01T08:00:00Z";

/// The numbers follow each other from 1 on.
#[track_caller]
fn have_no_gap(numbers: &[String], prefix: &str) {
    let expected: Vec<String> = (1..=numbers.len()).map(|n| format!("{prefix}-{n:06}")).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn a_paid_order_has_an_invoice_with_the_address_of_its_own_day() {
    let system = System::start().await;
    system.registers("7", JANUARY, "Old Street 1").await;
    system.moves("7", JUNE, "New Street 2").await;
    system.orders("then", "7", MARCH).await;
    system.orders("now", "7", "2017-06-02T00:00:00Z").await;
    let mut invoices = system.written(2).await;
    invoices.sort_by(|a, b| a.dated.cmp(&b.dated));
    let [then, now] = &invoices[..] else { panic!("{invoices:?}") };
    assert_eq!((then.bill_to.street.as_str(), then.dated.as_str()), ("Old Street 1", "2017-03-31"));
    assert_eq!((now.bill_to.street.as_str(), now.dated.as_str()), ("New Street 2", "2017-06-02"));
    assert_eq!((then.total_cents, then.lines[0].total_cents, then.ordered_at.to_string().as_str()), (518, 518, MARCH));
}

#[tokio::test]
async fn an_order_that_is_not_paid_has_no_invoice_and_called_off_no_credit_note() {
    let system = System::start().await;
    system.registers("7", JANUARY, "Old Street 1").await;
    system.places("a", "7", MARCH).await;
    system.calls_off("a", MARCH).await;
    system.comes_to("marker").await;
    assert_eq!(system.invoices().len(), 1, "the marker's only");
    assert_eq!(system.credit_notes(), []);
}

#[tokio::test]
async fn an_order_called_off_after_its_payment_has_a_credit_note_that_names_the_invoice() {
    let system = System::start().await;
    system.registers("7", JANUARY, "Old Street 1").await;
    system.orders("a", "7", MARCH).await;
    system.moves("7", "2017-03-31T12:00:00Z", "New Street 2").await;
    system.calls_off("a", "2018-01-01T00:00:00Z").await;
    eventually("a credit note", || !system.credit_notes().is_empty()).await;
    let (invoice, note) = (system.invoices().remove(0), system.credit_notes().remove(0));
    assert_eq!((invoice.number.as_str(), note.number.as_str()), ("INV-2017-000001", "CN-2018-000001"));
    assert_eq!((&note.invoice, &note.invoice_dated, &note.lines), (&invoice.number, &invoice.dated, &invoice.lines));
    assert_eq!((note.dated.as_str(), note.reason.as_str()), ("2018-01-01", "changed my mind"));
    assert_eq!(note.bill_to, invoice.bill_to, "it goes where the invoice went");
}

#[tokio::test]
async fn an_invoice_waits_for_a_move_that_was_accepted_before_its_order_was_told() {
    let mut system = System::start().await;
    system.registers("7", JANUARY, "Old Street 1").await;
    system.comes_to("marker").await;
    // From here on customers accepts, and tells late.
    system.customers.tells.send_replace(false);
    system.crash_and_forget().await;
    system.moves("7", "2017-03-01T00:00:00Z", "New Street 2").await;
    system.orders("a", "7", MARCH).await;
    a_while().await;
    assert_eq!(system.invoices().len(), 1, "nothing is printed before the move has arrived");
    system.customers.tells.send_replace(true);
    assert_eq!(system.written(2).await[1].bill_to.street, "New Street 2");
}

#[tokio::test]
async fn while_customers_is_away_invoices_wait() {
    let system = System::start().await;
    system.registers("7", JANUARY, "Old Street 1").await;
    system.comes_to("marker").await;
    system.customers.away.store(true, Ordering::SeqCst);
    system.orders("a", "7", MARCH).await;
    a_while().await;
    assert_eq!(system.invoices().len(), 1);
    system.customers.away.store(false, Ordering::SeqCst);
    system.written(2).await;
}

#[tokio::test]
async fn an_order_of_somebody_unknown_waits_and_holds_up_nobody() {
    let system = System::start().await;
    system.orders("a", "7", MARCH).await;
    system.orders("b", "7", MARCH).await;
    system.comes_to("marker").await;
    assert_eq!(system.invoices().len(), 1, "the marker's only");
    system.registers("7", JUNE, "Old Street 1").await;
    let invoices = system.written(3).await;
    let billed: BTreeSet<&str> = invoices[1..].iter().map(|invoice| invoice.order_id.as_str()).collect();
    assert_eq!(billed, BTreeSet::from(["a", "b"]));
    assert_eq!(invoices[1].bill_to.street, "Old Street 1", "the first that was ever known");
    assert_eq!(invoices[1].dated.as_str(), "2017-03-31");
}

#[tokio::test]
async fn an_order_called_off_while_it_waits_never_has_an_invoice() {
    let system = System::start().await;
    system.orders("a", "7", MARCH).await;
    system.orders("b", "7", MARCH).await;
    system.calls_off("a", MARCH).await;
    let noted = |what: &str| system.own.everything().iter().filter(|event| event.event_type() == what).count();
    eventually("both wait, and one no longer", || noted("InvoiceAwaited") == 2 && noted("AwaitedWithdrawn") == 1).await;
    system.registers("7", JUNE, "Old Street 1").await;
    assert_eq!(system.written(1).await[0].order_id, "b");
    a_while().await;
    assert_eq!((system.invoices().len(), system.credit_notes().len()), (1, 0));
}

#[tokio::test]
async fn each_year_has_its_own_numbers() {
    let system = System::start().await;
    system.registers("7", JANUARY, "Old Street 1").await;
    system.places("eve", "7", "2017-12-31T23:58:00Z").await;
    system.pays("eve", "2017-12-31T23:59:59.999999Z").await;
    system.orders("new-year", "7", "2018-01-01T00:00:00Z").await;
    let mut numbers: Vec<String> = system.written(2).await.into_iter().map(|invoice| invoice.number).collect();
    numbers.sort();
    assert_eq!(numbers, ["INV-2017-000001", "INV-2018-000001"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_in_between_each_order_has_one_invoice_and_no_number_is_left_out() {
    let mut system = System::start().await;
    for customer in 0..10 {
        system.registers(&format!("c{customer}"), JANUARY, "Old Street 1").await;
    }
    for round in 0..4 {
        for n in 0..60 {
            let order = format!("{round}-{n}");
            // Some belong to customers who come later.
            system.orders(&order, &format!("c{}", n % 12), MARCH).await;
            if n % 7 == 0 {
                system.calls_off(&order, MARCH).await;
            }
            match n {
                10 => system.own.lose_next_answers(2),
                30 => system.own.refuse_next(2),
                _ => {}
            }
        }
        system.crash_and_forget().await;
    }
    system.registers("c10", JUNE, "Late Street 3").await;
    system.registers("c11", JUNE, "Late Street 3").await;
    system.comes_to("marker").await;
    let all = (0..4).flat_map(|round| (0..60).map(move |n| format!("{round}-{n}")));
    let (called_off, kept): (BTreeSet<String>, BTreeSet<String>) = all.partition(|order| is_called_off(order));
    let billed = || -> BTreeSet<String> { system.invoices().into_iter().map(|invoice| invoice.order_id).collect() };
    let credited = || -> BTreeSet<String> { system.credit_notes().into_iter().map(|note| note.order_id).collect() };
    // An order that is called off while it waits has neither invoice nor credit note, or both: as it happened to be met.
    let settled = || {
        let billed = billed();
        kept.is_subset(&billed) && credited() == billed.intersection(&called_off).cloned().collect()
    };
    eventually("an invoice for each order that stands, and a credit note for each that does not", settled).await;
    a_while().await;
    assert!(settled());
    let of_2017 = || system.invoices().into_iter().filter(|invoice| invoice.order_id != "marker");
    have_no_gap(&of_2017().map(|invoice| invoice.number).collect::<Vec<_>>(), "INV-2017");
    assert_eq!(of_2017().count() + 1, billed().len(), "none has two");
    have_no_gap(&system.credit_notes().into_iter().map(|note| note.number).collect::<Vec<_>>(), "CN-2017");
    assert_eq!(system.credit_notes().len(), credited().len(), "none has two");
}

fn is_called_off(order: &str) -> bool {
    order.split_once('-').is_some_and(|(_, n)| n.parse::<u32>().unwrap() % 7 == 0)
}
