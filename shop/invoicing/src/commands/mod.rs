//! What can be asked of invoicing: one file for each command. Nobody outside asks; all of it follows from what is heard
//! of orders and customers.

mod await_customer;
mod issue_credit_note;
mod issue_invoice;
mod note_arrival;
mod withdraw_awaited;

pub use await_customer::AwaitCustomer;
pub(crate) use await_customer::CUSTOMER_KNOWN;
pub use issue_credit_note::IssueCreditNote;
pub use issue_invoice::IssueInvoice;
pub use note_arrival::NoteArrival;
pub use withdraw_awaited::WithdrawAwaited;

#[cfg(test)]
mod tests;
