//! The first layout: A4, one column, sober. In use: it never changes.

mod html;

mod typeface;
mod paper;
mod pdf;

pub(super) use html::html;
pub(super) use pdf::pdf;

use super::money;
use crate::archive::Document;
use crate::day::Day;
use crate::events::{InvoiceLine, Party};

/// What stands on the paper, in words, whatever the paper is made of.
struct Sheet<'a> {
    title: &'static str,
    number: &'a str,
    seller: &'a Party,
    bill_to: &'a Party,
    /// What is said beside the address: what it is called, and what it is.
    facts: Vec<(&'static str, String)>,
    lines: &'a [InvoiceLine],
    total_label: &'static str,
    total_cents: u64,
    /// What is said below the total.
    remarks: Vec<String>,
}

impl<'a> Sheet<'a> {
    fn of(document: &'a Document) -> Self {
        match document {
            Document::Invoice(invoice) => Self {
                title: "Invoice",
                number: &invoice.number,
                seller: &invoice.seller,
                bill_to: &invoice.bill_to,
                facts: vec![
                    ("Invoice date", day(&invoice.dated)),
                    ("Order date", day(&Day::of(invoice.ordered_at))),
                    ("Customer", invoice.customer_id.clone()),
                    ("Order", invoice.order_id.clone()),
                ],
                lines: &invoice.lines,
                total_label: "Total",
                total_cents: invoice.total_cents,
                remarks: vec![format!("Paid on {}. Thank you for your order.", day(&Day::of(invoice.paid_at)))],
            },
            Document::CreditNote(note) => Self {
                title: "Credit note",
                number: &note.number,
                seller: &note.seller,
                bill_to: &note.bill_to,
                facts: vec![
                    ("Credit note date", day(&note.dated)),
                    ("For invoice", unbroken(&note.invoice)),
                    ("Invoice date", day(&note.invoice_dated)),
                    ("Customer", note.customer_id.clone()),
                    ("Order", note.order_id.clone()),
                ],
                lines: &note.lines,
                total_label: "Total credited",
                total_cents: note.total_cents,
                remarks: credit_remarks(note),
            },
        }
    }
}

fn credit_remarks(note: &crate::events::CreditNoteIssued) -> Vec<String> {
    let (invoice, dated) = (unbroken(&note.invoice), day(&note.invoice_dated));
    let mut remarks =
        vec![format!("The order was called off. This credit note takes back all of invoice {invoice} of {dated}.")];
    if !note.reason.trim().is_empty() {
        remarks.push(format!("Reason: {}", note.reason.trim()));
    }
    remarks
}

/// A day in words that stay on one line.
fn day(day: &Day) -> String {
    day.in_words().replace(' ', "\u{a0}")
}

/// A number that stays on one line.
fn unbroken(number: &str) -> String {
    number.replace('-', "\u{2011}")
}

/// Who and where, line by line, as on an envelope.
fn address_lines(party: &Party) -> Vec<String> {
    let Party { name, street, city, region, postal_code, country } = party;
    let code = [region, postal_code].map(|part| part.trim()).join("\u{a0}");
    let code = code.trim_matches('\u{a0}');
    let town = if code.is_empty() { city.clone() } else { format!("{city}, {code}") };
    [name.clone(), street.clone(), town, country.clone()].into_iter().filter(|line| !line.trim().is_empty()).collect()
}

#[cfg(test)]
mod tests;
