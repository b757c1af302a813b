//! What one would write without an event store: a table, a connection for each client, an insert for each event.
//!
//! It is spared a good deal: its positions come from a sequence, so that readers skip what commits late, and it
//! recognises no repeated append.

use std::sync::Arc;

use tokio_postgres::{Client as Database, NoTls, Statement};
use uuid::Uuid;

use crate::BenchError;
use crate::measure::{Client, Fresh};

#[expect(clippy::needless_pass_by_value, reason = "it stands behind map_err")]
fn refused(error: tokio_postgres::Error) -> BenchError {
    BenchError::Engine(match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })
}

/// A schema with the table.
pub(super) struct Plain {
    url: String,
    schema: String,
    database: Database,
}

impl Plain {
    pub(super) async fn prepare(url: &str, schema: &str) -> Result<Self, BenchError> {
        let database = connect(url).await?;
        let table = format!(
            "CREATE SCHEMA {schema};
             CREATE TABLE {schema}.plain (
                 position bigserial PRIMARY KEY, stream text COLLATE \"C\" NOT NULL, revision int8 NOT NULL,
                 id uuid NOT NULL, type text NOT NULL, time int8 NOT NULL,
                 recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(), data bytea NOT NULL,
                 UNIQUE (stream, revision))"
        );
        database.batch_execute(&table).await.map_err(refused)?;
        Ok(Self { url: url.to_owned(), schema: schema.to_owned(), database })
    }

    pub(super) async fn remove(&self) -> Result<(), BenchError> {
        self.database.batch_execute(&format!("DROP SCHEMA {} CASCADE", self.schema)).await.map_err(refused)
    }

    pub(super) async fn clients(&self, count: usize) -> Result<Vec<PlainClient>, BenchError> {
        let insert = format!(
            "INSERT INTO {}.plain (stream, revision, id, type, time, data) VALUES ($1, $2, $3, $4, $5, $6)",
            self.schema
        );
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            let database = connect(&self.url).await?;
            let insert = database.prepare(&insert).await.map_err(refused)?;
            clients.push(PlainClient { database: Arc::new(database), insert });
        }
        Ok(clients)
    }
}

async fn connect(url: &str) -> Result<Database, BenchError> {
    let (database, connection) = tokio_postgres::connect(url, NoTls).await.map_err(refused)?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(database)
}

/// A connection of its own.
pub(super) struct PlainClient {
    database: Arc<Database>,
    insert: Statement,
}

impl Client for PlainClient {
    async fn append(&mut self, event: &Fresh<'_>) -> Result<(), String> {
        let revision = event.last.map_or(0, |last| last as i64 + 1);
        let id = Uuid::from_u128(event.id);
        let inserted = self
            .database
            .execute(&self.insert, &[&event.stream, &revision, &id, &event.kind, &event.time, &event.data])
            .await;
        inserted.map(drop).map_err(|error| error.to_string())
    }
}
