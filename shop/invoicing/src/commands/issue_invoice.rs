use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::books::InvoiceBook;
use crate::day::Day;
use crate::events::{InvoiceEvent, InvoiceIssued, InvoiceLine, Party};
use crate::layouts;

/// Write the invoice of a paid order. It bears the day of the payment and belongs into the book of that day's year,
/// whenever it is written: so the same order always comes into the same book, and the key of the command finds it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueInvoice {
    /// Who bills.
    pub seller: Party,
    /// Who is billed, as of the order.
    pub bill_to: Party,
    /// Which customer that is.
    pub customer_id: String,
    /// For which order.
    pub order_id: String,
    /// When that was placed.
    pub ordered_at: Timestamp,
    /// When that was paid.
    pub paid_at: Timestamp,
    /// What was ordered.
    pub lines: Vec<InvoiceLine>,
    /// What all lines cost together, in US cents.
    pub total_cents: u64,
}

impl IssueInvoice {
    /// The day that the invoice bears.
    #[must_use]
    pub fn dated(&self) -> Day {
        Day::of(self.paid_at)
    }
}

impl Command for IssueInvoice {
    type Entity = InvoiceBook;

    fn decide(&self, book: &InvoiceBook, _at: Timestamp) -> Result<Vec<InvoiceEvent>, Rejection> {
        let dated = self.dated();
        let issued = InvoiceIssued {
            number: book.next_number(&dated),
            layout: layouts::CURRENT,
            dated,
            seller: self.seller.clone(),
            bill_to: self.bill_to.clone(),
            customer_id: self.customer_id.clone(),
            order_id: self.order_id.clone(),
            ordered_at: self.ordered_at,
            paid_at: self.paid_at,
            lines: self.lines.clone(),
            total_cents: self.total_cents,
        };
        Ok(vec![issued.into()])
    }
}
