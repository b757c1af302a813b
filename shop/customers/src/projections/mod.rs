//! The read models of customers: one file for each, with what changes it and what can be asked of it.

mod address_history;
mod directory;

pub use address_history::{AddressHistory, AddressInForce};
pub use directory::{Cursor, CustomerView, Directory, DirectoryPage};

use tradewind_service::sql::{self, Row};

use crate::events::Address;

/// The five columns of an address that begin at `first`.
fn address(row: &Row<'_>, first: usize) -> sql::Result<Address> {
    Ok(Address {
        street: row.get(first)?,
        city: row.get(first + 1)?,
        region: row.get(first + 2)?,
        postal_code: row.get(first + 3)?,
        country: row.get(first + 4)?,
    })
}

#[cfg(test)]
mod tests;
