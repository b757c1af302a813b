//! An outbox and inbox in PostgreSQL, 15 and later, in a schema of the service's own database.
//!
//! ```no_run
//! use tradewind_events::{Event, EventType, StreamId, Timestamp};
//! use tradewind_outbox::postgres::{Connector, Outbox, OutboxOptions};
//!
//! # async fn example(mut client: tokio_postgres::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let config = "host=db user=shop dbname=shop".parse()?;
//! let outbox = Outbox::open(Connector::new(config, tokio_postgres::NoTls), OutboxOptions::default()).await?;
//! // Each process of the service runs one; one of them works at a time.
//! let (stamper, _handle) = outbox.stamper();
//! tokio::spawn(stamper.run(tokio_util::sync::CancellationToken::new()));
//!
//! // The row is locked first: so who changes it later also puts later.
//! let transaction = client.transaction().await?;
//! transaction.execute("UPDATE account SET balance = balance - 5 WHERE id = 7", &[]).await?;
//! let told = Event::new(EventType::new("MoneyTaken")?, Timestamp::from_micros(0), &5)?;
//! outbox.put(&transaction, &StreamId::new("account-7")?, &told).await?;
//! transaction.commit().await?;
//! outbox.wake();
//! // What a relay publishes, and a feed tells.
//! let source = outbox.source();
//! # Ok(())
//! # }
//! ```

mod connector;
mod inbox;
mod migrations;
mod settling;
mod source;
mod stamper;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};
use tradewind_events::{Event, StreamId};

use crate::OutboxError;
use crate::follow::Handled;
use crate::rows::tags;

pub use connector::Connector;
pub use inbox::Inbox;
pub use source::OutboxSource;
pub use stamper::{Stamper, StamperHandle, StamperState, StamperStatus};

/// How an outbox is kept.
#[derive(Debug, Clone)]
pub struct OutboxOptions {
    /// The schema: lower-case letters, digits and underscores, at most 48. One for each service.
    pub schema: String,
    /// How long nobody may wake the stamper before it looks by itself: what is put by other programs waits so long.
    pub poll_every: Duration,
    /// How long a stamper that says nothing keeps its lease.
    pub lease_for: Duration,
    /// The most messages that get positions in one transaction.
    pub batch_messages_max: i32,
    /// How many positions behind the slowest follower are kept for whoever reads the feed. Slots are emptied as a whole,
    /// so it may be one slot more.
    pub keep_positions: u64,
    /// How often it is looked whether a slot can be emptied.
    pub rotate_every: Duration,
    /// How many bits of a message's number lie within one of the eight slots; taken when the schema is made.
    pub slot_bits: u8,
}

impl Default for OutboxOptions {
    fn default() -> Self {
        Self {
            schema: "tradewind_outbox".to_owned(),
            poll_every: Duration::from_millis(500),
            lease_for: Duration::from_secs(6),
            batch_messages_max: 4_096,
            keep_positions: 65_536,
            rotate_every: Duration::from_secs(10),
            slot_bits: 17,
        }
    }
}

/// What a service puts its messages into. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) connector: Connector,
    pub(super) options: OutboxOptions,
    put: String,
    /// Rung when something was put here.
    pub(super) put_here: Arc<Notify>,
    /// Counts up when positions were given, as far as this process knows.
    pub(super) more: watch::Sender<u64>,
    /// Up to where each follower in this process has everything.
    pub(super) handled: std::sync::Mutex<Handled>,
    /// The last position that this process has seen, for those who only wait.
    pub(super) head: AtomicI64,
}

impl Outbox {
    /// The outbox of a schema, which is made if it is not there.
    ///
    /// # Errors
    /// [`OutboxError`] if the database cannot be reached or refuses, or a newer program made the schema.
    pub async fn open(connector: Connector, options: OutboxOptions) -> Result<Self, OutboxError> {
        check(&options)?;
        let schema = options.schema.clone();
        let mut connection = connector.connect(&Arc::default()).await?;
        migrations::migrate(&connector, &mut connection, &schema, options.slot_bits).await?;
        let inner = Inner {
            connector,
            put: format!("SELECT {schema}.put($1, $2, $3, $4, $5, $6, $7)"),
            options,
            put_here: Arc::default(),
            more: watch::Sender::new(0),
            handled: std::sync::Mutex::default(),
            head: AtomicI64::new(0),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Puts a message into the caller's own transaction: it is told if, and only if, that commits. `stream` is its key:
    /// messages of one stream are told in the order in which they were put, if whoever puts one holds a lock on the row
    /// that the stream stands for. So change the row first, then put.
    ///
    /// # Errors
    /// [`OutboxError::Postgres`] if it cannot be put; the transaction must be rolled back.
    pub async fn put(
        &self,
        transaction: &Transaction<'_>,
        stream: &StreamId,
        event: &Event,
    ) -> Result<(), OutboxError> {
        let (tags, metadata, time) = (tags(event), event.metadata.encode(), event.time.micros());
        let (event_type, stream, metadata) = (event.event_type.as_str(), stream.as_str(), &metadata[..]);
        let data = &event.data[..];
        // With their types, so that it is one round trip.
        let parameters: [(&(dyn ToSql + Sync), Type); 7] = [
            (&event.id.0, Type::UUID),
            (&event_type, Type::TEXT),
            (&stream, Type::TEXT),
            (&time, Type::INT8),
            (&tags, Type::TEXT),
            (&metadata, Type::BYTEA),
            (&data, Type::BYTEA),
        ];
        transaction.query_typed(&self.inner.put, &parameters).await?;
        Ok(())
    }

    /// Says that something was put, after the commit: it is told within milliseconds. Without it, when the stamper looks
    /// by itself. It costs nothing, and notifies other processes apart from any transaction: inside of one, all
    /// notifying commits of the whole server would wait for each other.
    pub fn wake(&self) {
        self.inner.put_here.notify_one();
    }

    /// What gives positions. Every process of a service runs one; they agree on who works.
    #[must_use]
    pub fn stamper(&self) -> (Stamper, StamperHandle) {
        Stamper::new(self)
    }

    /// What was put, for a relay or a feed.
    #[must_use]
    pub fn source(&self) -> OutboxSource {
        OutboxSource::new(self)
    }

    /// The inbox in the same schema.
    #[must_use]
    pub fn inbox(&self) -> Inbox {
        Inbox::new(&self.inner.options.schema)
    }
}

impl Inner {
    pub(super) fn saw(&self, head: i64) {
        if self.head.fetch_max(head, Ordering::AcqRel) < head {
            self.more.send_modify(|count| *count += 1);
        }
    }
}

/// A schema's name that needs no quotes.
fn check(options: &OutboxOptions) -> Result<(), OutboxError> {
    let name = &options.schema;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') && !name.starts_with("pg_");
    if !begins || name.len() > 48 || !name.chars().all(fits) {
        let problem = "the outbox's schema has 1 to 48 lower-case letters, digits and underscores, begins with none of \
                       the digits and not with pg_";
        return Err(OutboxError::Invalid(problem.to_owned()));
    }
    if !(4..=40).contains(&options.slot_bits) {
        return Err(OutboxError::Invalid("a slot of the outbox has 4 to 40 bits".to_owned()));
    }
    Ok(())
}
