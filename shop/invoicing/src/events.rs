//! What can happen in invoicing: to a year's invoices, to a year's credit notes, and to a customer whose order is paid.

use serde::{Deserialize, Serialize};
use tradewind_events::{Position, Timestamp};
use tradewind_service::{events, tag};

use crate::day::Day;

events! {
    /// What can happen to a year's invoices.
    pub enum InvoiceEvent {
        InvoiceIssued { tags: |invoice| vec![tag("order", &invoice.order_id), tag("customer", &invoice.customer_id)] },
    }
}

events! {
    /// What can happen to a year's credit notes.
    pub enum CreditNoteEvent {
        CreditNoteIssued { tags: |note| vec![tag("order", &note.order_id), tag("customer", &note.customer_id)] },
    }
}

events! {
    /// What can happen to a customer as far as invoices are concerned.
    pub enum DebtorEvent {
        InvoiceAwaited { tags: |awaited| vec![tag("order", &awaited.order.id)] },
        AwaitedWithdrawn { tags: |withdrawn| vec![tag("order", &withdrawn.order_id)] },
        CustomerArrived,
    }
}

/// A paid order has its invoice: with all that is printed on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceIssued {
    /// The number, unique for ever: `INV-2017-000123`.
    pub number: String,
    /// The version of the layout that it is printed in, now and later.
    pub layout: u16,
    /// The day that it bears: that of the payment.
    pub dated: Day,
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

/// An invoice is taken back, all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditNoteIssued {
    /// The number, unique for ever: `CN-2017-000007`.
    pub number: String,
    /// The version of the layout that it is printed in, now and later.
    pub layout: u16,
    /// The day that it bears: that on which the order was called off.
    pub dated: Day,
    /// The number of the invoice that it takes back.
    pub invoice: String,
    /// The day that the invoice bears.
    pub invoice_dated: Day,
    /// Why, for people; may be empty.
    pub reason: String,
    /// Who bills.
    pub seller: Party,
    /// Who was billed, as on the invoice.
    pub bill_to: Party,
    /// Which customer that is.
    pub customer_id: String,
    /// For which order.
    pub order_id: String,
    /// What the invoice charged.
    pub lines: Vec<InvoiceLine>,
    /// What all lines cost together, in US cents.
    pub total_cents: u64,
}

/// One product on an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceLine {
    /// Which product.
    pub product_id: String,
    /// What it was called when it was ordered.
    pub name: String,
    /// How many units.
    pub quantity: u32,
    /// What one unit cost, in US cents.
    pub unit_price_cents: u64,
    /// What the line costs, in US cents.
    pub total_cents: u64,
}

/// Somebody with an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// What they are called.
    pub name: String,
    /// Street and number.
    pub street: String,
    /// The city.
    pub city: String,
    /// The state or province; may be empty.
    pub region: String,
    /// The postal code; may be empty.
    pub postal_code: String,
    /// The country.
    pub country: String,
}

/// An order is paid whose customer is not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceAwaited {
    /// Who is not known.
    pub customer_id: String,
    /// Which order waits.
    pub order: AwaitedOrder,
}

/// An order whose invoice waits for its customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedOrder {
    /// Which order.
    pub id: String,
    /// Where ordering's feed told that it is paid: a copy of orders that has come so far has all of it.
    pub told_at: Position,
}

/// An order that waited for its customer was called off, and gets no invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedWithdrawn {
    /// Which order.
    pub order_id: String,
}

/// The customer is known, and the orders that have waited get their invoices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerArrived {
    /// Who.
    pub customer_id: String,
    /// Which orders have waited.
    pub orders: Vec<AwaitedOrder>,
}
