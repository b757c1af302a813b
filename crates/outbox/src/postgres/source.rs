//! What was put, by position.

use std::sync::{Arc, PoisonError};

use futures_core::future::BoxFuture;
use tokio::sync::Mutex;
use tokio_postgres::{Row as SqlRow, Statement};
use tradewind_events::{
    Direction, EventSource, Page, Position, Query, ReadError, Recorded, Revision, StreamId, StreamSlice, Subscription,
    Timestamp,
};

use super::connector::Connection;
use super::{Inner, Outbox};
use crate::OutboxError;
use crate::follow::{Pages, follow, note};
use crate::rows::Row;

/// What an outbox has been given, as an event source: for a relay, and for a feed.
///
/// What followers have handled is emptied after a while: reading from before that is refused. A name that follows must
/// go on following, or be removed from the table `followers`.
#[derive(Clone)]
pub struct OutboxSource {
    reading: Arc<Reading>,
}

struct Reading {
    inner: Arc<Inner>,
    connection: Mutex<Option<Arc<Open>>>,
}

struct Open {
    connection: Connection,
    ends: Statement,
    page: Statement,
    stream: Statement,
    moment: Statement,
}

impl OutboxSource {
    pub(super) fn new(outbox: &Outbox) -> Self {
        let inner = Arc::clone(&outbox.inner);
        Self { reading: Arc::new(Reading { inner, connection: Mutex::default() }) }
    }
}

impl Reading {
    /// The one connection, made anew when it has broken.
    async fn open(&self) -> Result<Arc<Open>, OutboxError> {
        let mut connection = self.connection.lock().await;
        if let Some(open) = &*connection
            && !open.connection.client.is_closed()
        {
            return Ok(Arc::clone(open));
        }
        let fresh = Arc::new(Open::new(&self.inner).await?);
        *connection = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// The last position, and the last one that is gone.
    async fn ends(&self, open: &Open) -> Result<(Position, Position), OutboxError> {
        let row = self.inner.connector.answer(open.connection.client.query_one(&open.ends, &[])).await?;
        Ok((position(row.try_get(0)?), position(row.try_get(1)?)))
    }

    async fn read(&self, after: Position, query: &Query, limit: usize) -> Result<Page, ReadError> {
        let open = self.open().await.map_err(|error| read_error(&error))?;
        // The end first: all up to there is committed.
        let (head, _) = self.ends(&open).await.map_err(|error| read_error(&error))?;
        let through = Position(after.0.saturating_add(limit as u64)).min(head).max(after);
        let (from, to) = (number(after), number(through));
        let asked = self.inner.connector.answer(open.connection.client.query(&open.page, &[&from, &to])).await;
        let events = asked.and_then(|rows| rows.iter().map(recorded).collect::<Result<Vec<_>, _>>());
        let mut events = events.map_err(|error| read_error(&error))?;
        let expected = through.0 - after.0;
        if (events.len() as u64) < expected {
            let (_, dropped) = self.ends(&open).await.map_err(|error| read_error(&error))?;
            let problem = format!("positions up to {dropped} are no longer in the outbox: everybody had them");
            return Err(match after < dropped {
                true => ReadError::Invalid(problem),
                false => ReadError::Damaged {
                    place: format!("the outbox {} behind position {after}", self.inner.options.schema),
                    problem: format!("{} of {expected} messages are missing", expected - events.len() as u64),
                },
            });
        }
        events.retain(|event| query.matches(event));
        Ok(Page { events, through, head })
    }
}

impl Pages for Reading {
    fn page(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        let query = query.clone();
        Box::pin(async move { self.read(after, &query, limit).await })
    }
}

impl Open {
    async fn new(inner: &Inner) -> Result<Self, OutboxError> {
        let connection = inner.connector.connect(&Arc::default()).await?;
        let (client, s) = (&connection.client, &inner.options.schema);
        let columns = "s.position, s.at, m.event, m.type, m.stream, m.time, m.tags, m.metadata, m.data";
        let joined = format!("{s}.stamps s JOIN {s}.messages m ON m.slot = {s}.slot(s.number) AND m.number = s.number");
        let ends =
            format!("SELECT coalesce((SELECT max(position) FROM {s}.stamps), 0), (SELECT dropped FROM {s}.lease)");
        let page =
            format!("SELECT {columns} FROM {joined} WHERE s.position > $1 AND s.position <= $2 ORDER BY s.position");
        let stream = format!("SELECT {columns} FROM {joined} WHERE m.stream = $1 ORDER BY s.position");
        let moment = format!("SELECT coalesce(max(position), 0) FROM {s}.stamps WHERE at <= $1");
        let prepare = |sql: String| inner.connector.answer(async move { client.prepare(&sql).await });
        let (ends, page) = (prepare(ends).await?, prepare(page).await?);
        let (stream, moment) = (prepare(stream).await?, prepare(moment).await?);
        Ok(Self { connection, ends, page, stream, moment })
    }
}

impl EventSource for OutboxSource {
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(async {
            let open = self.reading.open().await.map_err(|error| read_error(&error))?;
            Ok(self.reading.ends(&open).await.map_err(|error| read_error(&error))?.0)
        })
    }

    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        self.reading.page(after, query, limit)
    }

    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        let (more, poll_every) = (self.reading.inner.more.subscribe(), self.reading.inner.options.poll_every);
        let reading = Arc::clone(&self.reading);
        Box::pin(async move { Ok(follow(reading, after, query, more, poll_every)) })
    }

    /// Kept for a name until it has handled it.
    fn handled(&self, follower: &str, through: Position) {
        let mut handled = self.reading.inner.handled.lock().unwrap_or_else(PoisonError::into_inner);
        note(&mut handled, follower, through);
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
        Box::pin(async move {
            let open = self.reading.open().await.map_err(|error| read_error(&error))?;
            let client = &open.connection.client;
            let rows = self.reading.inner.connector.answer(client.query(&open.stream, &[&stream])).await;
            let all = rows.and_then(|rows| rows.iter().map(recorded).collect::<Result<Vec<_>, _>>());
            Ok(crate::rows::slice(all.map_err(|error| read_error(&error))?, from, direction, limit))
        })
    }

    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(async move {
            let open = self.reading.open().await.map_err(|error| read_error(&error))?;
            let (client, moment) = (&open.connection.client, moment.micros());
            let row = self.reading.inner.connector.answer(client.query_one(&open.moment, &[&moment])).await;
            let row = row.map_err(|error| read_error(&error))?;
            row.try_get(0).map(position).map_err(|error| read_error(&error.into()))
        })
    }
}

fn recorded(row: &SqlRow) -> Result<Recorded, OutboxError> {
    let row = Row {
        position: row.try_get(0)?,
        at: row.try_get(1)?,
        event: row.try_get(2)?,
        event_type: row.try_get(3)?,
        stream: row.try_get(4)?,
        time: row.try_get(5)?,
        tags: row.try_get(6)?,
        metadata: row.try_get(7)?,
        data: row.try_get(8)?,
    };
    Ok(row.recorded())
}

fn position(number: i64) -> Position {
    Position(number.unsigned_abs())
}

fn number(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

fn read_error(error: &OutboxError) -> ReadError {
    match error {
        OutboxError::Timeout(_) => ReadError::Timeout,
        other => ReadError::Unavailable(other.to_string()),
    }
}
