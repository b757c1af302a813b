//! The tables of one generation, for reading.

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tradewind_events::Position;

use std::sync::Arc;

use super::{Hurry, SharedDatabase};
use crate::projection::{GenerationName, QueryError, Question, Reader};
use crate::sql::Error;
use crate::sql::postgres::Session;

/// The tables of one generation in the shared database.
#[derive(Clone)]
pub(crate) struct SharedTables {
    database: SharedDatabase,
    name: GenerationName,
}

impl SharedTables {
    pub(super) fn new(database: SharedDatabase, name: GenerationName) -> Self {
        Self { database, name }
    }

    pub(crate) fn name(&self) -> GenerationName {
        self.name
    }

    /// How many of the instance's queries are put at the same time.
    pub(crate) fn turns(&self) -> Arc<Semaphore> {
        self.database.inner.turns.clone()
    }

    /// Has it looked at more often how far others have come, until what this returns is dropped.
    pub(crate) fn hurry(&self) -> Hurry {
        self.database.hurry()
    }

    /// Runs a question in one read transaction; the answer's position is told by the same transaction.
    pub(crate) async fn read(&self, turn: OwnedSemaphorePermit, question: Question) -> Result<Position, QueryError> {
        let (session, position) = match self.begin().await {
            // The server may have been started again since the connection was used last.
            Err(QueryError::Database(error)) if error.is_trouble() => {
                self.database.forget_idle();
                self.begin().await?
            }
            begun => begun?,
        };
        let database = self.database.clone();
        let read = move || {
            // The question goes on when nobody waits for its answer any more, and so does its turn.
            let _turn = turn;
            session.afresh();
            let answer = question.put_to(&Reader::of_session(&session, position));
            // One that cannot end its transaction is not used again.
            if session.run("ROLLBACK").is_ok() {
                database.give_back(session);
            }
            answer
        };
        let answer = tokio::task::spawn_blocking(read).await;
        answer.map_err(|panic| QueryError::Failed(panic.to_string()))?.map_err(QueryError::Database)?;
        Ok(position)
    }

    /// Begins a transaction that sees one moment, and tells of which position that is.
    async fn begin(&self) -> Result<(Session, Position), QueryError> {
        let session = self.database.reader().await.map_err(|failure| QueryError::Database(failure.into()))?;
        let (s, id) = (self.database.schema(), self.name.generation);
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
             SET LOCAL search_path TO {}, pg_catalog;
             SELECT position FROM {s}.generations WHERE id = {id}",
            self.database.schema_of(self.name)
        );
        let asked = tokio::task::spawn_blocking(move || {
            session.about(id as i64);
            session.ask(&begin).map(|position| (session, position))
        });
        let asked = asked.await.map_err(|panic| QueryError::Failed(panic.to_string()))?;
        let (session, position) = asked.map_err(QueryError::Database)?;
        let position = position.and_then(|position| position.parse().ok()).map(Position);
        let gone = || {
            let problem = "these tables were replaced some time ago".to_owned();
            QueryError::Database(Error::Postgres { problem, state: None, passes: true })
        };
        Ok((session, position.ok_or_else(gone)?))
    }
}
