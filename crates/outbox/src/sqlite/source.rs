//! What was put, by position.

use std::sync::{Arc, PoisonError};

use futures_core::future::BoxFuture;
use rusqlite::{Connection, Row as SqlRow};
use tradewind_events::{
    Direction, EventSource, Page, Position, Query, ReadError, Recorded, Revision, StreamId, StreamSlice, Subscription,
    Timestamp,
};
use uuid::Uuid;

use super::Inner;
use crate::OutboxError;
use crate::follow::{Handled, Pages, follow, note};
use crate::rows::{Row, slice};

/// What an outbox has been given, as an event source: for a relay, and for a feed.
///
/// What followers have handled is emptied after a while: reading from before that is refused. A name that follows must
/// go on following, or be removed from the table `outbox_followers`.
#[derive(Clone)]
pub struct OutboxSource {
    inner: Arc<Inner>,
}

impl OutboxSource {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let inner = Arc::clone(&self.inner);
        ask(inner, work).await
    }
}

/// Asks the database where it may block.
async fn ask<T: Send + 'static>(
    inner: Arc<Inner>,
    work: impl FnOnce(&mut Connection) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    let asked = tokio::task::spawn_blocking(move || {
        let mut database = inner.database.lock().unwrap_or_else(PoisonError::into_inner);
        let handled = std::mem::take(&mut *inner.handled.lock().unwrap_or_else(PoisonError::into_inner));
        if let Err(error) = keep_places(&database, &handled) {
            tracing::debug!(%error, "how far followers are could not be kept; the next time");
            let mut again = inner.handled.lock().unwrap_or_else(PoisonError::into_inner);
            handled.iter().for_each(|(name, position)| note(&mut again, name, *position));
        }
        work(&mut database)
    });
    asked.await.map_err(|error| ReadError::Unavailable(format!("a read was given up: {error}")))?
}

fn keep_places(database: &Connection, handled: &Handled) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO outbox_followers VALUES (?1, ?2)
               ON CONFLICT (name) DO UPDATE SET position = ?2 WHERE position < ?2";
    for (name, position) in handled {
        database.prepare_cached(sql)?.execute((name, number(*position)))?;
    }
    Ok(())
}

impl Pages for OutboxSource {
    fn page(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        let query = query.clone();
        Box::pin(self.ask(move |database| page(database, after, &query, limit)))
    }
}

fn page(database: &mut Connection, after: Position, query: &Query, limit: usize) -> Result<Page, ReadError> {
    // One view of the database for all of it.
    let transaction = database.transaction().map_err(|error| read_error(error.into()))?;
    let (head, dropped) = ends(&transaction)?;
    if after < dropped {
        return Err(ReadError::Invalid(format!(
            "positions up to {dropped} are no longer in the outbox: everybody had them"
        )));
    }
    let through = Position(after.0.saturating_add(limit as u64)).min(head).max(after);
    let mut statement = transaction
        .prepare_cached("SELECT * FROM outbox WHERE position > ?1 AND position <= ?2 ORDER BY position")
        .map_err(|error| read_error(error.into()))?;
    let rows = statement.query_map((number(after), number(through)), recorded);
    let events = rows.and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut events = events.map_err(|error| read_error(error.into()))?;
    events.retain(|event| query.matches(event));
    Ok(Page { events, through, head })
}

fn ends(database: &Connection) -> Result<(Position, Position), ReadError> {
    let ends = database
        .prepare_cached("SELECT position, dropped FROM outbox_head")
        .and_then(|mut statement| statement.query_row([], |row| Ok((position(row.get(0)?), position(row.get(1)?)))));
    ends.map_err(|error| read_error(error.into()))
}

impl EventSource for OutboxSource {
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(self.ask(|database| Ok(ends(database)?.0)))
    }

    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        self.page(after, query, limit)
    }

    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        let (more, poll_every) = (self.inner.more.subscribe(), self.inner.options.poll_every);
        let pages = Arc::new(self.clone());
        Box::pin(async move { Ok(follow(pages, after, query, more, poll_every)) })
    }

    /// Kept for a name until it has handled it.
    fn handled(&self, follower: &str, through: Position) {
        note(&mut self.inner.handled.lock().unwrap_or_else(PoisonError::into_inner), follower, through);
    }

    /// It looks at everything that is kept: an outbox is read by position.
    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        let stream = stream.as_str().to_owned();
        Box::pin(self.ask(move |database| {
            let sql = "SELECT * FROM outbox WHERE stream = ?1 ORDER BY position";
            let all = database.prepare_cached(sql).and_then(|mut statement| {
                let rows = statement.query_map([&stream], recorded)?;
                rows.collect::<Result<Vec<_>, _>>()
            });
            Ok(slice(all.map_err(|error| read_error(error.into()))?, from, direction, limit))
        }))
    }

    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(self.ask(move |database| {
            let sql = "SELECT coalesce(max(position), 0) FROM outbox WHERE at <= ?1";
            let found = database
                .prepare_cached(sql)
                .and_then(|mut statement| statement.query_row([moment.micros()], |row| row.get(0)));
            found.map(position).map_err(|error| read_error(error.into()))
        }))
    }
}

fn recorded(row: &SqlRow<'_>) -> Result<Recorded, rusqlite::Error> {
    let text = |index: usize| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
    let bytes = |index: usize| row.get_ref(index)?.as_blob().map_err(rusqlite::Error::from);
    let row = Row {
        position: row.get(0)?,
        at: row.get(1)?,
        event: Uuid::from_bytes(row.get(2)?),
        event_type: text(3)?,
        stream: text(4)?,
        time: row.get(5)?,
        tags: text(6)?,
        metadata: bytes(7)?,
        data: bytes(8)?,
    };
    Ok(row.recorded())
}

fn position(number: i64) -> Position {
    Position(number.unsigned_abs())
}

fn number(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

#[expect(clippy::needless_pass_by_value, reason = "it reads well at the call site")]
fn read_error(error: OutboxError) -> ReadError {
    ReadError::Unavailable(error.to_string())
}
