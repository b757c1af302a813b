//! Invoicing's read models: one file for each, with what changes it and what can be asked of it. Two are copies of what
//! other contexts tell; the others are made of invoicing's own events.

mod awaited;
mod customer_copies;
mod documents;
mod order_copies;

pub use awaited::{Awaited, AwaitedPage, AwaitedView};
pub use customer_copies::CustomerCopies;
pub use documents::{Cursor, DocumentPage, Documents, Filed, Kind};
pub use order_copies::{OrderCopies, OrderCopy};

#[cfg(test)]
mod tests;
