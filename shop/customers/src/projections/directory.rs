use serde::Serialize;
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::sql::{self, Row, Transaction, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use super::address;
use crate::customer::Customer;
use crate::events::{Address, CustomerEvent};

/// Each customer as of now; or, asked as of another moment, as of then.
#[derive(Debug, Clone, Copy, Default)]
pub struct Directory;

/// A customer, as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomerView {
    /// Which customer.
    pub id: String,
    /// What the customer is called.
    pub name: String,
    /// Where the customer lives.
    pub address: Address,
    /// Since when the customer lives there.
    pub address_since: Timestamp,
    /// Since when the customer is known.
    pub registered_at: Timestamp,
}

/// Some customers, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectoryPage {
    /// The customers.
    pub items: Vec<CustomerView>,
    /// What to ask for to get the ones that follow; none if there are none.
    pub next: Option<String>,
}

/// Where a page of the directory ended: behind this name and id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    name: String,
    id: String,
}

impl Cursor {
    /// Reads what a page gave as `next`: the id's length, and then id and name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (length, both) = text.split_once('.')?;
        let (id, name) = both.split_at_checked(length.parse().ok()?)?;
        Some(Self { name: name.to_owned(), id: id.to_owned() })
    }

    fn behind(customer: &CustomerView) -> String {
        format!("{}.{}{}", customer.id.len(), customer.id, customer.name)
    }
}

const COLUMNS: &str = "id, name, street, city, region, postal_code, country, address_since_us, registered_us";

fn view(row: &Row<'_>) -> sql::Result<CustomerView> {
    Ok(CustomerView {
        id: row.get(0)?,
        name: row.get(1)?,
        address: address(row, 2)?,
        address_since: Timestamp::from_micros(row.get(7)?),
        registered_at: Timestamp::from_micros(row.get(8)?),
    })
}

impl Directory {
    /// One customer.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get(read: &Reader<'_>, id: &str) -> sql::Result<Option<CustomerView>> {
        read.first(&format!("SELECT {COLUMNS} FROM customer WHERE id = ?1"), [id], view)
    }

    /// Up to `limit` customers by name, from where an earlier page said `next`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn page(read: &Reader<'_>, after: Option<&Cursor>, limit: u64) -> sql::Result<DirectoryPage> {
        // Nobody has an empty name, so that everybody comes after the empty cursor.
        let start = Cursor::default();
        let after = after.unwrap_or(&start);
        let select = format!("SELECT {COLUMNS} FROM customer WHERE (name, id) > (?1, ?2) ORDER BY name, id LIMIT ?3");
        let mut items = read.all(&select, params![after.name, after.id, limit + 1], view)?;
        let more = items.len() as u64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = items.last().filter(|_| more).map(Cursor::behind);
        Ok(DirectoryPage { items, next })
    }
}

impl Projection for Directory {
    fn name(&self) -> &'static str {
        "directory"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE customer (
             id TEXT PRIMARY KEY, name TEXT NOT NULL, street TEXT NOT NULL, city TEXT NOT NULL, region TEXT NOT NULL,
             postal_code TEXT NOT NULL, country TEXT NOT NULL, address_since_us INTEGER NOT NULL,
             registered_us INTEGER NOT NULL, name_since_us INTEGER NOT NULL) WITHOUT ROWID;
         CREATE INDEX customer_by_name ON customer (name, id);"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE customer (
                 id text COLLATE \"C\" PRIMARY KEY, name text COLLATE \"C\" NOT NULL, street text NOT NULL,
                 city text NOT NULL, region text NOT NULL, postal_code text NOT NULL, country text NOT NULL,
                 address_since_us bigint NOT NULL, registered_us bigint NOT NULL, name_since_us bigint NOT NULL);
             CREATE INDEX customer_by_name ON customer (name, id)",
        )
    }

    fn query(&self) -> Query {
        Query::category(Customer::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let (id, since) = (event.entity_id(), event.time().micros());
        match decode::<CustomerEvent>(event)? {
            Some(CustomerEvent::CustomerRegistered(known)) => {
                let Address { street, city, region, postal_code, country } = known.address;
                tx.prepare_cached("INSERT INTO customer VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?8)")?
                    .execute(params![id, known.name, street, city, region, postal_code, country, since])?;
            }
            // A move of last month that is told only now does not take the place of one of this month.
            Some(CustomerEvent::CustomerMoved(moved)) => {
                let Address { street, city, region, postal_code, country } = moved.address;
                tx.prepare_cached(
                    "UPDATE customer SET street = ?2, city = ?3, region = ?4, postal_code = ?5, country = ?6,
                         address_since_us = ?7
                     WHERE id = ?1 AND address_since_us <= ?7",
                )?
                .execute(params![id, street, city, region, postal_code, country, since])?;
            }
            Some(CustomerEvent::CustomerRenamed(renamed)) => {
                tx.prepare_cached(
                    "UPDATE customer SET name = ?2, name_since_us = ?3 WHERE id = ?1 AND name_since_us <= ?3",
                )?
                .execute(params![id, renamed.name, since])?;
            }
            None => {}
        }
        Ok(())
    }
}
