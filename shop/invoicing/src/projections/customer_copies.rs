use shop_contracts::Contract;
use shop_contracts::customers::{Address, CustomerMoved, CustomerRegistered, CustomerRenamed};
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::sql::{self, Transaction, params};
use tradewind_service::{Projection, ProjectionError, Reader};

use crate::events::Party;

/// What each customer was called and where each lived, and since when, kept from what customers tells.
#[derive(Debug, Clone, Copy, Default)]
pub struct CustomerCopies;

/// Picks, of a customer's values over time, the one in force at a moment. Whoever ordered before registering is taken as
/// what they said when they did: it is the first that was ever known of them.
const IN_FORCE: &str = "WHERE customer_id = ?1
     ORDER BY since_us <= ?2 DESC, CASE WHEN since_us <= ?2 THEN -since_us ELSE since_us END LIMIT 1";

impl CustomerCopies {
    /// Who a customer was at a moment; none, if there is no such customer.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn at(read: &Reader<'_>, id: &str, moment: Timestamp) -> sql::Result<Option<Party>> {
        let asked = params![id, moment.micros()];
        let name = read.first(&format!("SELECT name FROM name {IN_FORCE}"), asked, |row| row.get(0))?;
        let Some(name) = name else { return Ok(None) };
        let address = format!("SELECT street, city, region, postal_code, country FROM address {IN_FORCE}");
        read.first(&address, asked, |row| {
            Ok(Party {
                name,
                street: row.get(0)?,
                city: row.get(1)?,
                region: row.get(2)?,
                postal_code: row.get(3)?,
                country: row.get(4)?,
            })
        })
    }
}

impl Projection for CustomerCopies {
    fn name(&self) -> &'static str {
        "customer-copies"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE name (
             customer_id TEXT NOT NULL, since_us INTEGER NOT NULL, name TEXT NOT NULL,
             PRIMARY KEY (customer_id, since_us)) WITHOUT ROWID;
         CREATE TABLE address (
             customer_id TEXT NOT NULL, since_us INTEGER NOT NULL, street TEXT NOT NULL, city TEXT NOT NULL,
             region TEXT NOT NULL, postal_code TEXT NOT NULL, country TEXT NOT NULL,
             PRIMARY KEY (customer_id, since_us)) WITHOUT ROWID;"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE name (
                 customer_id text NOT NULL, since_us bigint NOT NULL, name text NOT NULL,
                 PRIMARY KEY (customer_id, since_us));
             CREATE TABLE address (
                 customer_id text NOT NULL, since_us bigint NOT NULL, street text NOT NULL, city text NOT NULL,
                 region text NOT NULL, postal_code text NOT NULL, country text NOT NULL,
                 PRIMARY KEY (customer_id, since_us))",
        )
    }

    fn query(&self) -> Query {
        Query::category("customer")
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let since_us = event.time().micros();
        match event.event_type() {
            CustomerRegistered::TYPE => {
                let known: CustomerRegistered = event.parse()?;
                set_name(tx, &known.customer_id, since_us, &known.name)?;
                set_address(tx, &known.customer_id, since_us, &known.address)?;
            }
            CustomerMoved::TYPE => {
                let moved: CustomerMoved = event.parse()?;
                set_address(tx, &moved.customer_id, since_us, &moved.address)?;
            }
            CustomerRenamed::TYPE => {
                let renamed: CustomerRenamed = event.parse()?;
                set_name(tx, &renamed.customer_id, since_us, &renamed.name)?;
            }
            // Customers may tell more than this copy needs.
            _ => {}
        }
        Ok(())
    }
}

fn set_name(tx: &Transaction<'_>, customer: &str, since_us: i64, name: &str) -> sql::Result<()> {
    let sql = "INSERT INTO name VALUES (?1, ?2, ?3)
               ON CONFLICT (customer_id, since_us) DO UPDATE SET name = excluded.name";
    tx.prepare_cached(sql)?.execute(params![customer, since_us, name]).map(drop)
}

fn set_address(tx: &Transaction<'_>, customer: &str, since_us: i64, address: &Address) -> sql::Result<()> {
    let Address { street, city, region, postal_code, country } = address;
    tx.prepare_cached(
        "INSERT INTO address VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (customer_id, since_us) DO UPDATE SET street = excluded.street, city = excluded.city,
             region = excluded.region, postal_code = excluded.postal_code, country = excluded.country",
    )?
    .execute(params![customer, since_us, street, city, region, postal_code, country])
    .map(drop)
}
