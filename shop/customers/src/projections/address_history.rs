use serde::Serialize;
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::sql::{self, Transaction, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use super::address;
use crate::customer::Customer;
use crate::events::{Address, CustomerEvent};

/// Where each customer has lived, from when to when.
#[derive(Debug, Clone, Copy, Default)]
pub struct AddressHistory;

/// An address, and the time for which it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddressInForce {
    /// The address.
    pub address: Address,
    /// From when on.
    pub since: Timestamp,
    /// Until when; none, if it still holds.
    pub until: Option<Timestamp>,
}

impl AddressHistory {
    /// All addresses of a customer, the oldest first; none, if there is no such customer.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn of(read: &Reader<'_>, customer: &str) -> sql::Result<Vec<AddressInForce>> {
        // Of several for the same moment only the last one has ever held.
        read.all(
            "SELECT street, city, region, postal_code, country, since_us,
                 lead(since_us) OVER (ORDER BY since_us) AS until_us
             FROM address WHERE customer_id = ?1 ORDER BY since_us",
            [customer],
            |row| {
                let until: Option<i64> = row.get(6)?;
                Ok(AddressInForce {
                    address: address(row, 0)?,
                    since: Timestamp::from_micros(row.get(5)?),
                    until: until.map(Timestamp::from_micros),
                })
            },
        )
    }
}

impl Projection for AddressHistory {
    fn name(&self) -> &'static str {
        "address-history"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE address (
             customer_id TEXT NOT NULL, since_us INTEGER NOT NULL, street TEXT NOT NULL, city TEXT NOT NULL,
             region TEXT NOT NULL, postal_code TEXT NOT NULL, country TEXT NOT NULL,
             PRIMARY KEY (customer_id, since_us)) WITHOUT ROWID;"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE address (
                 customer_id text NOT NULL, since_us bigint NOT NULL, street text NOT NULL, city text NOT NULL,
                 region text NOT NULL, postal_code text NOT NULL, country text NOT NULL,
                 PRIMARY KEY (customer_id, since_us))",
        )
    }

    fn query(&self) -> Query {
        Query::category(Customer::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let address = match decode::<CustomerEvent>(event)? {
            Some(CustomerEvent::CustomerRegistered(known)) => known.address,
            Some(CustomerEvent::CustomerMoved(moved)) => moved.address,
            Some(CustomerEvent::CustomerRenamed(_)) | None => return Ok(()),
        };
        let Address { street, city, region, postal_code, country } = address;
        tx.prepare_cached(
            "INSERT INTO address VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (customer_id, since_us) DO UPDATE SET street = excluded.street, city = excluded.city,
                 region = excluded.region, postal_code = excluded.postal_code, country = excluded.country",
        )?
        .execute(params![
            event.entity_id(),
            event.time().micros(),
            street,
            city,
            region,
            postal_code,
            country
        ])?;
        Ok(())
    }
}
