use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::books::CreditNoteBook;
use crate::day::Day;
use crate::events::{CreditNoteEvent, CreditNoteIssued, InvoiceIssued, Party};
use crate::layouts;

/// Take an invoice back, all of it. The credit note bears the day on which the order was called off, and belongs into
/// the book of that day's year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueCreditNote {
    /// Who bills now.
    pub seller: Party,
    /// What is taken back.
    pub invoice: InvoiceIssued,
    /// When the order was called off.
    pub called_off_at: Timestamp,
    /// Why, for people.
    pub reason: String,
}

impl IssueCreditNote {
    /// The day that the credit note bears.
    #[must_use]
    pub fn dated(&self) -> Day {
        Day::of(self.called_off_at)
    }
}

impl Command for IssueCreditNote {
    type Entity = CreditNoteBook;

    fn decide(&self, book: &CreditNoteBook, _at: Timestamp) -> Result<Vec<CreditNoteEvent>, Rejection> {
        let (dated, invoice) = (self.dated(), &self.invoice);
        let issued = CreditNoteIssued {
            number: book.next_number(&dated),
            layout: layouts::CURRENT,
            dated,
            invoice: invoice.number.clone(),
            invoice_dated: invoice.dated.clone(),
            reason: self.reason.clone(),
            seller: self.seller.clone(),
            bill_to: invoice.bill_to.clone(),
            customer_id: invoice.customer_id.clone(),
            order_id: invoice.order_id.clone(),
            lines: invoice.lines.clone(),
            total_cents: invoice.total_cents,
        };
        Ok(vec![issued.into()])
    }
}
