//! A schema as what a store is moved from or to.

use std::collections::HashSet;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use tradewind_events::{AppendError, EventId, Position, ReadError, Revision, StreamId, Timestamp};
use uuid::Uuid;

use super::batch::signed;
use super::connect::{Connection, Server};
use super::failure::Failure;
use super::rows::{read_error, recorded};
use super::sql::quoted;
use super::{PostgresStore, kinds};
use crate::moving::{Kept, Movable, StoppedWriters};

/// What the database says of a store that has moved, with where to as its message. It is in no class that PostgreSQL
/// uses.
pub(super) const MOVED: &str = "TW017";

/// A page ends with the event that goes over this.
const PAGE_BYTES_MAX: i64 = 4 << 20;

fn kept(rows: &[Row]) -> Result<Vec<Kept>, Failure> {
    let mut page = Vec::with_capacity(rows.len());
    for row in rows {
        if !row.try_get::<_, bool>(10)? {
            break;
        }
        let position = Position(row.try_get::<_, i64>(0)?.unsigned_abs());
        let edges = row.try_get::<_, i16>(11)?;
        let (first, last) = (edges & 1 != 0, edges & 2 != 0);
        page.push(match row.try_get::<_, Option<&[u8]>>(9)? {
            Some(data) => Kept { event: recorded(row, 0, position, data)?, first, last, given_up: false },
            None => {
                let place = (position, Revision(row.try_get::<_, i64>(1)?.unsigned_abs()));
                let id = EventId(row.try_get::<_, Uuid>(2)?);
                let times = (Timestamp::from_micros(row.try_get(3)?), Timestamp::from_micros(row.try_get(4)?));
                Kept::given_up(place, id, times, row.try_get(5)?, (first, last))
                    .ok_or_else(|| Failure::Refused(format!("position {position} is no event")))?
            }
        });
    }
    Ok(page)
}

/// Events as the arrays that the statements take.
#[derive(Default)]
struct Arrays<'a> {
    new_streams: Vec<&'a str>,
    new_ids: Vec<i64>,
    positions: Vec<i64>,
    streams: Vec<&'a str>,
    revisions: Vec<i64>,
    times: Vec<i64>,
    recorded_at: Vec<i64>,
    kinds: Vec<(&'a str, &'a str)>,
    edges: Vec<i16>,
    ids: Vec<Uuid>,
    tags: Vec<&'a str>,
    metadata: Vec<&'a [u8]>,
    data: Vec<Option<&'a [u8]>>,
}

impl<'a> Arrays<'a> {
    fn of(events: &'a [Kept]) -> Self {
        let mut arrays = Self::default();
        for kept in events {
            let event = &kept.event;
            if event.revision() == Revision::FIRST {
                arrays.new_streams.push(event.stream());
                arrays.new_ids.push(signed(event.position().0));
            }
            arrays.positions.push(signed(event.position().0));
            arrays.streams.push(event.stream());
            arrays.revisions.push(signed(event.revision().0));
            arrays.times.push(event.time().micros());
            arrays.recorded_at.push(event.recorded_at().micros());
            arrays.kinds.push((kinds::category(event.stream()), event.event_type()));
            arrays.edges.push(i16::from(kept.first) | i16::from(kept.last) << 1);
            arrays.ids.push(event.id().0);
            arrays.tags.push(event.tags_text());
            arrays.metadata.push(event.metadata_bytes());
            arrays.data.push((!kept.given_up).then(|| event.data()));
        }
        arrays
    }
}

impl PostgresStore {
    /// Puts events in their place, in one transaction; does nothing if the last of them is there: it was done, and
    /// its answer was lost.
    async fn restore_on(&self, connection: &Connection, events: &[Kept]) -> Result<(), Failure> {
        let sql = &self.inner.sql;
        let arrays = Arrays::of(events);
        let kinds = connection.kinds.numbers(connection, &sql.kinds_of, &arrays.kinds).await?;
        let gate = format!("BEGIN; LOCK TABLE {}.gate IN SHARE UPDATE EXCLUSIVE MODE", self.quoted());
        let put = async {
            connection.client.batch_execute(&gate).await?;
            let head: i64 = connection.client.query_one(&sql.head, &[]).await?.try_get(0)?;
            let (first, last) = (arrays.positions.first().copied(), arrays.positions.last().copied());
            if last == Some(head) {
                let there: Option<Uuid> = connection
                    .client
                    .query_opt(&format!("SELECT id FROM {}.events WHERE position = $1", self.quoted()), &[&head])
                    .await?
                    .map(|row| row.try_get(0))
                    .transpose()?;
                if there.as_ref() == arrays.ids.last() {
                    return Ok(());
                }
            }
            if first != Some(head + 1) {
                return Err(Failure::Refused(format!("the next position is {}, not {first:?}", head + 1)));
            }
            let execute = async |sql: &str, values: &[&(dyn ToSql + Sync)]| -> Result<(), Failure> {
                let statement = connection.prepared(sql).await?;
                connection.client.execute(&statement, values).await?;
                Ok(())
            };
            execute(&sql.restore_streams, &[&arrays.new_ids, &arrays.new_streams]).await?;
            let values: [&(dyn ToSql + Sync); 11] = [
                &arrays.positions,
                &arrays.streams,
                &arrays.revisions,
                &arrays.times,
                &arrays.recorded_at,
                &kinds,
                &arrays.edges,
                &arrays.ids,
                &arrays.tags,
                &arrays.metadata,
                &arrays.data,
            ];
            execute(&sql.restore_events, &values).await?;
            let is_tagged = arrays.tags.iter().any(|tags| !tags.is_empty());
            if is_tagged || arrays.streams.iter().any(|stream| !stream.contains('-')) {
                execute(&sql.restore_tags, &[&arrays.positions, &arrays.tags, &arrays.streams]).await?;
            }
            Ok(())
        };
        match put.await {
            Ok(()) => Ok(connection.client.batch_execute("COMMIT").await?),
            Err(failure) => {
                // A connection that is gone has rolled back by itself.
                let _ = connection.client.batch_execute("ROLLBACK").await;
                Err(failure)
            }
        }
    }

    fn schema(&self) -> &str {
        self.inner.reads.server.url.schema()
    }

    fn quoted(&self) -> String {
        quoted(self.schema())
    }

    async fn names(&self, sql: &str) -> Result<Vec<(StreamId, Revision)>, ReadError> {
        let work = async |connection: Arc<Connection>| {
            let rows = connection.client.query(sql, &[]).await?;
            rows.iter()
                .map(|row| {
                    let name: &str = row.try_get(0)?;
                    let stream = StreamId::new(name).map_err(|error| Failure::Refused(format!("{name}: {error}")))?;
                    Ok((stream, Revision(row.try_get::<_, i64>(1)?.unsigned_abs())))
                })
                .collect()
        };
        self.inner.reads.run(work).await.map_err(read_error)
    }
}

impl Movable for PostgresStore {
    fn identity(&self) -> BoxFuture<'_, Result<String, ReadError>> {
        Box::pin(async move {
            // The server's control data may not be read by everyone; when it started may.
            let sql = "SELECT concat_ws(' ', pg_postmaster_start_time(), d.oid, n.oid)
                       FROM pg_database d, pg_namespace n WHERE d.datname = current_database() AND n.nspname = $1";
            let schema = self.schema();
            let work = async |connection: Arc<Connection>| {
                Ok(connection.client.query_one(sql, &[&schema]).await?.try_get::<_, String>(0)?)
            };
            self.inner.reads.run(work).await.map_err(read_error)
        })
    }

    fn kept(&self, after: Position, limit: usize) -> BoxFuture<'_, Result<Vec<Kept>, ReadError>> {
        Box::pin(async move {
            let (since, limit) = (signed(after.0), signed(limit.max(1) as u64));
            let work = async |connection: Arc<Connection>| {
                let statement = connection.prepared(&self.inner.sql.kept).await?;
                kept(&connection.client.query(&statement, &[&since, &limit, &PAGE_BYTES_MAX]).await?)
            };
            self.inner.reads.run(work).await.map_err(read_error)
        })
    }

    fn restore<'a>(&'a self, events: &'a [Kept]) -> BoxFuture<'a, Result<(), AppendError>> {
        Box::pin(async move {
            let work = async |connection: Arc<Connection>| self.restore_on(&connection, events).await;
            let restored = self.inner.reads.run(work).await;
            restored.map_err(|failed| failed.failure.into_append_error(failed.reached))
        })
    }

    fn truncations(&self) -> BoxFuture<'_, Result<Vec<(StreamId, Revision)>, ReadError>> {
        Box::pin(async move {
            let sql = format!("SELECT name, first FROM {}.streams WHERE first > 0", self.quoted());
            self.names(&sql).await
        })
    }

    fn snapshot_streams(&self) -> BoxFuture<'_, Result<Vec<StreamId>, ReadError>> {
        Box::pin(async move {
            let sql = format!("SELECT stream, revision FROM {}.snapshots ORDER BY stream", self.quoted());
            let named: HashSet<_> = self.names(&sql).await?.into_iter().map(|(stream, _)| stream).collect();
            Ok(named.into_iter().collect())
        })
    }

    fn stop_writers<'a>(&'a self, to: &'a str) -> BoxFuture<'a, Result<Box<dyn StoppedWriters>, AppendError>> {
        Box::pin(async move {
            let quoted = format!("'{}'", to.replace('\'', "''"));
            let stop = self.inner.sql.stop.replace("{moved}", MOVED).replace("{to}", &quoted);
            let server = Arc::clone(&self.inner.reads.server);
            let stopped = async {
                let connection = server.connect("moving", None).await?;
                let stopping = async { Ok(connection.client.batch_execute(&stop).await?) };
                server.answered(stopping).await?;
                Ok::<_, Failure>(connection)
            };
            match stopped.await {
                Ok(connection) => Ok(Box::new(Stopped { connection, server }) as Box<dyn StoppedWriters>),
                Err(failure) => Err(failure.into_append_error(false)),
            }
        })
    }
}

/// A transaction that holds the gate. Its connection dropped, it is rolled back.
struct Stopped {
    connection: Connection,
    server: Arc<Server>,
}

impl StoppedWriters for Stopped {
    fn moved(self: Box<Self>) -> BoxFuture<'static, Result<(), AppendError>> {
        Box::pin(async move {
            let committing = async { Ok(self.connection.client.batch_execute("COMMIT").await?) };
            let committed = self.server.answered(committing).await;
            committed.map_err(|failure| failure.into_append_error(true))
        })
    }
}
