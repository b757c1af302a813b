//! What invoicing tells. Its streams are `invoices-<year>` and `creditnotes-<year>`; in each the numbers follow each other
//! without a gap. What is printed on a document is invoicing's own business: this says that it exists, and what it is
//! about.

use serde::{Deserialize, Serialize};

super::contracts!(InvoiceIssued, CreditNoteIssued);

/// A paid order has its invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvoiceIssued {
    /// The invoice's number.
    pub number: String,
    /// The day that it bears, as `2017-03-31`: that of the payment.
    pub dated: String,
    /// For which order.
    pub order_id: String,
    /// To whom.
    pub customer_id: String,
    /// Over what amount, in US cents.
    pub total_cents: u64,
}

/// An invoice is taken back, since its order was called off after it was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreditNoteIssued {
    /// The credit note's number.
    pub number: String,
    /// The day that it bears, as `2017-03-31`: that on which the order was called off.
    pub dated: String,
    /// The number of the invoice that it takes back.
    pub invoice: String,
    /// For which order.
    pub order_id: String,
    /// To whom.
    pub customer_id: String,
    /// Over what amount, in US cents.
    pub total_cents: u64,
}
