use std::borrow::Cow;

use serde::Serialize;
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::sql::{self, Transaction, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use crate::events::{OrderEvent, OrderLine, total_cents};
use crate::order::Order;
use crate::timeline::Stage;

/// Each order with its lines and its timeline.
#[derive(Debug, Clone, Copy, Default)]
pub struct OrderDetail;

/// An order, as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderView {
    /// Which order.
    pub id: String,
    /// Whose.
    pub customer_id: String,
    /// How far it has come.
    pub status: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// What it costs, in US cents.
    pub total_cents: u64,
    /// What was ordered.
    pub lines: Vec<LineView>,
    /// What has happened to it, the oldest first.
    pub timeline: Vec<TimelineEntry>,
}

/// A line of an order, as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineView {
    /// Which product.
    pub product_id: String,
    /// What it was called when it was ordered.
    pub name: String,
    /// How many units.
    pub quantity: u32,
    /// What one unit costs, in US cents.
    pub unit_price_cents: u64,
    /// What the line costs, in US cents.
    pub line_total_cents: u64,
}

/// One thing that has happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimelineEntry {
    /// The event type.
    pub event: String,
    /// When it happened.
    pub at: Timestamp,
    /// What else there is to say about it, for people.
    pub note: Option<String>,
}

impl OrderDetail {
    /// One order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get(read: &Reader<'_>, id: &str) -> sql::Result<Option<OrderView>> {
        let order = read.first(
            "SELECT number, customer_id, placed_at_us, total_cents, lines FROM orders WHERE id = ?1",
            [id],
            |row| {
                let lines: String = row.get(4)?;
                let order = OrderView {
                    id: id.to_owned(),
                    customer_id: row.get(1)?,
                    status: String::new(),
                    placed_at: Timestamp::from_micros(row.get(2)?),
                    total_cents: row.get(3)?,
                    lines: read_lines(&lines)?,
                    timeline: Vec::new(),
                };
                Ok((row.get::<_, i64>(0)?, order))
            },
        )?;
        let Some((number, mut order)) = order else { return Ok(None) };
        let select = "SELECT event, at_us, note, status FROM timeline WHERE number = ?1 ORDER BY revision";
        let stages = read.all(select, [number], |row| {
            let entry =
                TimelineEntry { event: row.get(0)?, at: Timestamp::from_micros(row.get(1)?), note: row.get(2)? };
            Ok((entry, row.get(3)?))
        })?;
        for (entry, status) in stages {
            order.status = status;
            order.timeline.push(entry);
        }
        Ok(Some(order))
    }
}

/// A line as it is kept, without its department, which nobody is shown: half of what a year of orders has on the disk
/// would be the names of fields.
type KeptLine<'a> = (Cow<'a, str>, Cow<'a, str>, u32, u64);

fn kept(line: &OrderLine) -> KeptLine<'_> {
    (line.product_id.as_str().into(), line.name.as_str().into(), line.quantity, line.unit_price_cents)
}

fn read_lines(json: &str) -> sql::Result<Vec<LineView>> {
    let lines: Vec<KeptLine<'_>> = serde_json::from_str(json).map_err(|e| sql::Error::unreadable(4, e))?;
    let view = |(product_id, name, quantity, unit_price_cents): KeptLine<'_>| LineView {
        product_id: product_id.into_owned(),
        name: name.into_owned(),
        quantity,
        unit_price_cents,
        line_total_cents: total_cents(unit_price_cents, quantity),
    };
    Ok(lines.into_iter().map(view).collect())
}

impl Projection for OrderDetail {
    fn name(&self) -> &'static str {
        "order-detail"
    }

    fn version(&self) -> u32 {
        3
    }

    fn schema(&self) -> &'static str {
        // Orders are numbered as they come, so that what is told of one lies together and is written where the last one
        // was; only the index of ids is written all over the place. Lines are written once and never moved: how far the
        // order is stands in its timeline.
        "CREATE TABLE orders (
             number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, customer_id TEXT NOT NULL,
             placed_at_us INTEGER NOT NULL, total_cents INTEGER NOT NULL, lines TEXT NOT NULL);
         CREATE TABLE timeline (
             number INTEGER NOT NULL, revision INTEGER NOT NULL, event TEXT NOT NULL, status TEXT NOT NULL,
             at_us INTEGER NOT NULL, note TEXT, PRIMARY KEY (number, revision)) WITHOUT ROWID;"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE orders (
                 number bigint PRIMARY KEY, id text NOT NULL UNIQUE, customer_id text NOT NULL,
                 placed_at_us bigint NOT NULL, total_cents bigint NOT NULL, lines text NOT NULL);
             CREATE TABLE timeline (
                 number bigint NOT NULL, revision bigint NOT NULL, event text NOT NULL, status text NOT NULL,
                 at_us bigint NOT NULL, note text, PRIMARY KEY (number, revision))",
        )
    }

    fn query(&self) -> Query {
        Query::category(Order::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let Some(happened) = decode::<OrderEvent>(event)? else { return Ok(()) };
        let id = event.entity_id();
        let stage = Stage::of(&happened, event.time());
        if let OrderEvent::OrderCreated(order) = &happened {
            let lines = serde_json::to_string(&order.lines.iter().map(kept).collect::<Vec<_>>())?;
            tx.prepare_cached("INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
                event.position().0,
                id,
                order.customer_id,
                stage.at.micros(),
                order.total_cents,
                lines
            ])?;
        }
        tx.prepare_cached("INSERT INTO timeline SELECT number, ?2, ?3, ?4, ?5, ?6 FROM orders WHERE id = ?1")?
            .execute(params![id, event.revision().0, stage.event, stage.status, stage.at.micros(), stage.note])?;
        Ok(())
    }
}
