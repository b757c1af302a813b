//! Reads: pages of everything or of what a query finds, and parts of streams.

use std::sync::Arc;

use tokio_postgres::Row;
use tradewind_events::{
    Direction, EventId, Page, Position, Query, ReadError, Revision, StreamId, StreamSlice, Timestamp,
};
use uuid::Uuid;

use super::Inner;
use super::batch::{items, signed};
use super::connect::Connection;
use super::failure::Failure;
use super::rows::{found, read_error};

/// The most events in one answer.
const READ_EVENTS_MAX: usize = 16_384;
/// An answer ends with the event that goes over this.
const READ_BYTES_MAX: i64 = 4 << 20;
/// How many positions a search goes through before it answers with how far it came.
const LOOK_MAX: u64 = 1 << 20;

fn limited(limit: usize) -> Result<i64, ReadError> {
    match limit {
        0 => Err(ReadError::Invalid("limit is zero".to_owned())),
        _ => Ok(limit.min(READ_EVENTS_MAX) as i64),
    }
}

async fn number(connection: Arc<Connection>, sql: &str, argument: Option<i64>) -> Result<u64, Failure> {
    let statement = connection.prepared(sql).await?;
    let row = match argument {
        Some(argument) => connection.client.query_one(&statement, &[&argument]).await?,
        None => connection.client.query_one(&statement, &[]).await?,
    };
    Ok(row.try_get::<_, i64>(0)?.unsigned_abs())
}

pub(super) async fn head(inner: &Inner) -> Result<Position, ReadError> {
    let sql = &inner.sql.head;
    inner.reads.run(|connection| number(connection, sql, None)).await.map(Position).map_err(read_error)
}

pub(super) async fn position_at(inner: &Inner, moment: Timestamp) -> Result<Position, ReadError> {
    let sql = &inner.sql.position_at;
    let answer = inner.reads.run(|connection| number(connection, sql, Some(moment.micros()))).await;
    answer.map(Position).map_err(read_error)
}

pub(super) async fn page(inner: &Inner, after: Position, query: &Query, limit: usize) -> Result<Page, ReadError> {
    let limit = limited(limit)?;
    let since = signed(after.0);
    if query.is_all() {
        return everything(inner, after, limit).await.map(|(page, _)| page);
    }
    let (until, items) = (Position(after.0.saturating_add(LOOK_MAX)), items(query));
    let work = async |connection: Arc<Connection>| {
        let statement = connection.prepared(&inner.sql.search).await?;
        let (most, bytes) = (signed(until.0), READ_BYTES_MAX);
        let rows = connection.client.query(&statement, &[&since, &limit, &bytes, &most, &items]).await?;
        assemble(&rows, 1, after, until, limit)
    };
    inner.reads.run(work).await.map_err(read_error)
}

/// What follows a position, and which event is at the position itself.
pub(super) async fn behind(inner: &Inner, after: Position, limit: usize) -> Result<(Page, Option<EventId>), ReadError> {
    everything(inner, after, limited(limit)?).await
}

async fn everything(inner: &Inner, after: Position, limit: i64) -> Result<(Page, Option<EventId>), ReadError> {
    let since = signed(after.0);
    let work = async |connection: Arc<Connection>| {
        let statement = connection.prepared(&inner.sql.page).await?;
        let rows = connection.client.query(&statement, &[&since, &limit, &READ_BYTES_MAX]).await?;
        let page = assemble(&rows, 2, after, Position::END, limit)?;
        let before = rows.first().map(|row| row.try_get::<_, Option<Uuid>>(1)).transpose()?.flatten();
        Ok((page, before.map(EventId)))
    };
    inner.reads.run(work).await.map_err(read_error)
}

/// A page of rows whose first column is the head, with events in the columns from `at`.
fn assemble(rows: &[Row], at: usize, after: Position, until: Position, limit: i64) -> Result<Page, Failure> {
    let head = match rows.first() {
        Some(row) => Position(row.try_get::<_, i64>(0)?.unsigned_abs()),
        None => return Err(Failure::Refused("a page has no head".to_owned())),
    };
    let found = found(rows, at)?;
    let looked = if found.cut || found.rows as i64 >= limit { found.last } else { None };
    let through = looked.unwrap_or(until.min(head)).max(after);
    Ok(Page { events: found.events, through, head })
}

pub(super) async fn slice(
    inner: &Inner,
    stream: &StreamId,
    from: Revision,
    direction: Direction,
    limit: usize,
) -> Result<StreamSlice, ReadError> {
    let (limit, since) = (limited(limit)?, signed(from.0));
    let sql = match direction {
        Direction::Forward => &inner.sql.forward,
        Direction::Backward => &inner.sql.backward,
    };
    let name = stream.as_str();
    let work = async |connection: Arc<Connection>| {
        let statement = connection.prepared(sql).await?;
        let rows = connection.client.query(&statement, &[&name, &limit, &READ_BYTES_MAX, &since]).await?;
        let Some(row) = rows.first() else { return Ok(StreamSlice { end: true, ..StreamSlice::default() }) };
        let first = Revision(row.try_get::<_, i64>(0)?.unsigned_abs());
        let last = row.try_get::<_, Option<i64>>(1)?.map(|last| Revision(last.unsigned_abs()));
        let found = found(&rows, 2)?;
        let end = match (direction, found.events.last()) {
            (_, None) => true,
            (Direction::Forward, Some(event)) => Some(event.revision()) >= last,
            (Direction::Backward, Some(event)) => event.revision() <= first,
        };
        Ok(StreamSlice { events: found.events, last, first, end })
    };
    inner.reads.run(work).await.map_err(read_error)
}
