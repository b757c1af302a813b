//! A projection's generations in the shared database, as the holder of its lease sees them.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use tradewind_events::Position;
use tradewind_store::PostgresFailure;

use super::{SharedDatabase, SharedTables, SharedWriter, Term};
use crate::projection::{Generation, GenerationName, Opened, Projection, ProjectionStartError, Writer, hash_of};
use crate::reaction::Names;

/// How long making or removing tables may take.
const WITHIN: Duration = Duration::from_secs(30);
/// For so long the tables of a replaced generation stay, for those who have not heard of it yet.
const GRACE: &str = "10 seconds";

/// The generations of one projection, for as long as its lease is held.
#[derive(Clone)]
pub(crate) struct SharedHome {
    database: SharedDatabase,
    projection: &'static str,
    epoch: i64,
    stop: CancellationToken,
}

impl SharedHome {
    pub(crate) fn new(term: &Term, projection: &'static str) -> Self {
        let (database, stop) = (term.database().clone(), term.stop().clone());
        Self { database, projection, epoch: term.epoch(), stop }
    }

    /// Fences off whoever wrote before, and opens the generation that answers; a new one, if there is none. Removes what
    /// has been replaced for long enough.
    pub(crate) async fn open_current(&self, projection: &dyn Projection) -> Result<Opened, ProjectionStartError> {
        let s = self.database.schema();
        let fence = format!("UPDATE {s}.generations SET epoch = $2 WHERE projection = $1 AND epoch < $2");
        let find = format!(
            "SELECT id, version FROM {s}.generations WHERE projection = $1 AND state = 'answering'
             ORDER BY id DESC LIMIT 1"
        );
        let found = self.run(async |client| {
            client.execute(&fence, &[&self.projection, &self.epoch]).await?;
            let found = client.query_opt(&find, &[&self.projection]).await?;
            found.map(|row| Ok((row.try_get::<_, i64>(0)?, row.try_get::<_, i32>(1)?))).transpose()
        });
        let found = found.await.map_err(|failure| self.failed(failure))?;
        self.sweep().await;
        if let Some((id, version)) = found {
            return self.open(name(id, version), projection).await;
        }
        let opened = self.create(projection).await?;
        let set = self.set_current(opened.name).await;
        let refused = |problem| self.failed(PostgresFailure { problem, state: None, passes: true });
        set.map_err(refused)?;
        Ok(opened)
    }

    pub(crate) async fn create(&self, projection: &dyn Projection) -> Result<Opened, ProjectionStartError> {
        let s = self.database.schema();
        let (version, schema) = (projection.version() as i32, projection.postgres_schema().unwrap_or_default());
        let insert = format!(
            "INSERT INTO {s}.generations (projection, version, tables, state, position, epoch)
             VALUES ($1, $2, $3, 'building', 0, $4) RETURNING id"
        );
        let made = self.run(async |client| {
            client.batch_execute("BEGIN").await?;
            let row = client.query_one(&insert, &[&self.projection, &version, &hash_of(schema), &self.epoch]).await?;
            let id: i64 = row.try_get(0)?;
            let tables = self.database.schema_of(name(id, version));
            client
                .batch_execute(&format!(
                    "CREATE SCHEMA {tables}; SET LOCAL search_path TO {tables}, pg_catalog; {schema}; {}; COMMIT",
                    Names::IN_READ_MODEL.tables("", "bytea")
                ))
                .await?;
            Ok(id)
        });
        let id = made.await.map_err(|failure| self.failed(failure))?;
        Ok(self.opened(name(id, version), Position::START, true))
    }

    pub(crate) async fn open(
        &self,
        name: GenerationName,
        projection: &dyn Projection,
    ) -> Result<Opened, ProjectionStartError> {
        let s = self.database.schema();
        let select = format!("SELECT position, tables FROM {s}.generations WHERE id = $1");
        let id = name.generation as i64;
        let found = self.run(async |client| {
            // One that was made before anything was set aside gets room for it.
            let tables = self.database.schema_of(name);
            let make = format!(
                "BEGIN; SET LOCAL client_min_messages = warning; SET LOCAL search_path TO {tables}, pg_catalog; {}; COMMIT",
                Names::IN_READ_MODEL.tables("", "bytea")
            );
            client.batch_execute(&make).await?;
            let row = client.query_one(&select, &[&id]).await?;
            Ok((row.try_get::<_, i64>(0)?, row.try_get::<_, String>(1)?))
        });
        let (position, tables) = found.await.map_err(|failure| self.failed(failure))?;
        let of_today = tables == hash_of(projection.postgres_schema().unwrap_or_default());
        Ok(self.opened(name, Position(position.unsigned_abs()), of_today))
    }

    fn opened(&self, name: GenerationName, position: Position, of_today: bool) -> Opened {
        let tables = SharedTables::new(self.database.clone(), name);
        let generation = Arc::new(Generation::shared(tables, position, of_today));
        let writer = SharedWriter::new(self.database.clone(), name, self.epoch, self.stop.clone());
        Opened { name, generation, writer: Writer::Shared(writer) }
    }

    pub(crate) async fn unfinished(&self, projection: &dyn Projection) -> Option<GenerationName> {
        let (s, version) = (self.database.schema(), projection.version() as i32);
        let select = format!(
            "SELECT id FROM {s}.generations WHERE projection = $1 AND version = $2 AND state = 'building'
             ORDER BY id DESC LIMIT 1"
        );
        let found = self.run(async |client| {
            let row = client.query_opt(&select, &[&self.projection, &version]).await?;
            row.map(|row| row.try_get::<_, i64>(0)).transpose()
        });
        match found.await {
            Ok(found) => found.map(|id| name(id, version)),
            Err(failure) => {
                tracing::warn!(projection = self.projection, %failure, "failed to look for an unfinished rebuild");
                None
            }
        }
    }

    /// Says which generation answers. All that there were before are replaced.
    pub(crate) async fn set_current(&self, name: GenerationName) -> Result<(), String> {
        let (s, id) = (self.database.schema(), name.generation as i64);
        let update = format!(
            "UPDATE {s}.generations
             SET state = CASE WHEN id = $2 THEN 'answering' ELSE 'replaced' END, since = clock_timestamp()
             WHERE projection = $1 AND epoch = $3 AND (id = $2 OR state <> 'replaced')"
        );
        let changed = self.run(async |client| client.execute(&update, &[&self.projection, &id, &self.epoch]).await);
        match changed.await {
            Ok(0) => {
                self.stop.cancel();
                Err("another instance has taken it over".to_owned())
            }
            Ok(_) => {
                self.sweep().await;
                Ok(())
            }
            Err(failure) => Err(failure.problem),
        }
    }

    pub(crate) async fn give_up(&self, name: GenerationName) {
        let (s, id) = (self.database.schema(), name.generation as i64);
        let update = format!(
            "UPDATE {s}.generations SET state = 'replaced', since = clock_timestamp()
             WHERE id = $1 AND epoch = $2 AND state <> 'replaced'"
        );
        if let Err(failure) = self.run(async |client| client.execute(&update, &[&id, &self.epoch]).await).await {
            tracing::warn!(projection = self.projection, %failure, "failed to give up a generation; it stays for now");
        }
    }

    /// Removes the tables of generations that were replaced some time ago. What cannot be removed now is tried again by
    /// the next holder, or after the next rebuild.
    async fn sweep(&self) {
        let s = self.database.schema();
        let old = format!(
            "SELECT id, version FROM {s}.generations WHERE projection = $1 AND state = 'replaced'
             AND since < clock_timestamp() - interval '{GRACE}'"
        );
        let swept = self.run(async |client| {
            for row in client.query(&old, &[&self.projection]).await? {
                let id: i64 = row.try_get(0)?;
                let tables = self.database.schema_of(name(id, row.try_get(1)?));
                let drop = format!(
                    "BEGIN; SET LOCAL lock_timeout = '2s'; DROP SCHEMA IF EXISTS {tables} CASCADE;
                     DELETE FROM {s}.generations WHERE id = {id}; COMMIT"
                );
                client.batch_execute(&drop).await?;
            }
            Ok(())
        });
        if let Err(failure) = swept.await {
            tracing::warn!(projection = self.projection, %failure, "failed to remove replaced tables; they stay for now");
        }
    }

    async fn run<T>(
        &self,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, PostgresFailure> {
        self.database.inner.catalogue.run(&self.database, WITHIN, work).await
    }

    fn failed(&self, failure: PostgresFailure) -> ProjectionStartError {
        ProjectionStartError::Database { name: self.projection, error: failure.into() }
    }
}

fn name(id: i64, version: i32) -> GenerationName {
    GenerationName { generation: id.unsigned_abs(), version: version.unsigned_abs() }
}
