//! The `postgres:` engine: a store in a schema of a PostgreSQL database, which several processes share.
//!
//! In reading order: [`PostgresUrl`] says where; `connect` makes a connection and looks whether the database can be
//! trusted; `pool` keeps some, and tries again when the database was away; `migrations` bring the schema up to date;
//! `writer` gathers appends into batches, `batch` writes one down for the database's function `append`, which decides
//! it (`schema/0001.sql`); `reads` and `follow` read and follow; `sql` has all statements; `session` lends connections to
//! what is no store.
//!
//! What keeps the order: whoever appends holds the store's gate from before he looks at anything until his commit is
//! durable, synchronous standbys included. So positions have no gaps, become visible in their order, and depend on
//! no transaction but appends. `docs/internals/postgres.md` says more.

mod batch;
mod connect;
mod failure;
mod follow;
mod hosts;
mod kinds;
mod migrations;
mod moving;
mod options;
mod pool;
mod reads;
mod rows;
mod session;
mod sql;
mod streams;
mod tls;
mod url;
mod writer;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures_core::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tradewind_events::{
    Append, AppendError, Appended, Direction, EventSource, EventStore, Page, Position, Query, ReadError, Revision,
    Snapshot, StreamId, StreamSlice, Subscription, Timestamp,
};

use crate::OpenError;
use crate::limits::check_query;
use crate::retry::Backoff;
use batch::signed;
use connect::{Connection, Server};
use failure::Failure;
use follow::{Bells, Tail};
use pool::Pool;
use rows::read_error;
use sql::Sql;
use writer::Writer;

pub use options::PostgresOptions;
pub use session::{PostgresDatabase, PostgresFailure, PostgresSession};
pub use url::{PostgresUrl, without_password};

/// The most events that one statement gives up: each is a change of its rows, and the statement has to end in time.
const GIVE_UP_EVENTS_MAX: i64 = 4_096;

/// An event store in PostgreSQL. Clones share it; so do other processes that open the same URL.
#[derive(Clone)]
pub struct PostgresStore {
    inner: Arc<Inner>,
    writer: Arc<Writer>,
    /// Ends with the last clone.
    _tasks: Arc<Tasks>,
}

struct Inner {
    reads: Arc<Pool>,
    sql: Arc<Sql>,
    /// The newest events, for those who wait for them.
    tail: watch::Receiver<Tail>,
    /// How far a follower has seen it, who may have been quicker than the tail.
    furthest: AtomicU64,
    bells: Bells,
}

struct Tasks(Vec<AbortHandle>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl PostgresStore {
    /// Opens the store in a database's schema, or begins one there if `create` says so. A database that is away is
    /// waited for, as long as the options say.
    ///
    /// # Errors
    /// [`OpenError`] says whether the database is away, cannot be trusted, or holds no store.
    pub async fn open(url: PostgresUrl, options: PostgresOptions, create: bool) -> Result<Self, OpenError> {
        let server = Arc::new(Server::new(url, options)?);
        prepare(&server, create).await?;
        let sql = Arc::new(Sql::new(server.url.schema()));
        let (sender, tail) = watch::channel(Tail::default());
        let bells = Bells::default();
        let reads = Arc::new(Pool::new("reads", Arc::clone(&server), server.options.read_connections_max));
        let inner = Arc::new(Inner {
            reads: Arc::clone(&reads),
            sql: Arc::clone(&sql),
            tail,
            furthest: AtomicU64::new(0),
            bells: bells.clone(),
        });
        let writes = Pool::new("writer", Arc::clone(&server), server.options.batches_in_flight_max);
        let writer = Arc::new(Writer::new(writes, reads, Arc::clone(&sql), bells.clone()));
        let telling = follow::tell(Arc::downgrade(&inner), Arc::clone(&server), bells.here, sender);
        let notifying = follow::notify(server, sql, bells.elsewhere);
        let tasks = Tasks(vec![tokio::spawn(telling).abort_handle(), tokio::spawn(notifying).abort_handle()]);
        Ok(Self { inner, writer, _tasks: Arc::new(tasks) })
    }
}

/// Finds the database and brings its schema up to date.
async fn prepare(server: &Server, create: bool) -> Result<(), OpenError> {
    let place = server.url.place();
    let options = &server.options;
    let mut backoff = Backoff::new(options.pause_first, options.pause_max, Some(options.open_within));
    let mut said = false;
    loop {
        let failure = match prepare_once(server, create).await {
            Ok(migrations::Found::Ready) => return Ok(()),
            Ok(migrations::Found::Nothing) => {
                return Err(OpenError::NotAStore { place, problem: "there is no such schema".to_owned() });
            }
            Ok(migrations::Found::Newer(version)) => {
                let problem = format!("its schema has version {version}, which a newer program made");
                return Err(OpenError::NotAStore { place, problem });
            }
            Err(failure) => failure,
        };
        match failure {
            passing @ (Failure::Away(_) | Failure::Slow(_) | Failure::Undone(_)) => {
                let problem = passing.to_string();
                if !said {
                    tracing::warn!("waiting for PostgreSQL at {place}: {problem}");
                    said = true;
                }
                if !backoff.pause().await {
                    let problem = format!("waited {} s for it: {problem}", options.open_within.as_secs());
                    return Err(OpenError::Unavailable { place, problem });
                }
            }
            Failure::Forgetful(problem) => return Err(OpenError::NotDurable { place, problem }),
            refused @ (Failure::Full(_) | Failure::Moved(_) | Failure::Refused(_)) => {
                return Err(OpenError::Io(std::io::Error::other(format!("{place}: {refused}"))));
            }
        }
    }
}

async fn prepare_once(server: &Server, create: bool) -> Result<migrations::Found, Failure> {
    let mut connection = server.connect("opening", None).await?;
    server.answered(migrations::migrate(&mut connection, server.url.schema(), create)).await
}

impl EventSource for PostgresStore {
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(reads::head(&self.inner))
    }

    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        let query = query.clone();
        Box::pin(async move {
            check_query(&query)?;
            reads::page(&self.inner, after, &query, limit).await
        })
    }

    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        Box::pin(async move {
            check_query(&query)?;
            let subscription = follow::follow(Arc::clone(&self.inner), after, query);
            // While nobody followed, nobody looked.
            self.inner.bells.here.notify_one();
            Ok(subscription)
        })
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        let stream = stream.clone();
        Box::pin(async move { reads::slice(&self.inner, &stream, from, direction, limit).await })
    }

    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(reads::position_at(&self.inner, moment))
    }
}

impl EventStore for PostgresStore {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(Arc::clone(&self.writer).append(append))
    }

    fn truncate(&self, stream: &StreamId, before: Revision) -> BoxFuture<'_, Result<(), AppendError>> {
        let (stream, before) = (stream.clone(), signed(before.0));
        Box::pin(async move {
            let (name, sql) = (stream.as_str(), &self.inner.sql.give_up);
            let work = async |connection: Arc<Connection>| {
                let statement = connection.prepared(sql).await?;
                let row = connection.client.query_one(&statement, &[&name, &before, &GIVE_UP_EVENTS_MAX]).await?;
                Ok(row.try_get::<_, bool>(0)?)
            };
            loop {
                let more = self.inner.reads.run(work).await;
                if !more.map_err(|failed| failed.failure.into_append_error(failed.reached))? {
                    return Ok(());
                }
            }
        })
    }

    fn load_snapshot(&self, stream: &StreamId) -> BoxFuture<'_, Result<Option<Snapshot>, ReadError>> {
        let stream = stream.clone();
        Box::pin(async move {
            let (name, sql) = (stream.as_str(), &self.inner.sql.load_snapshot);
            let work = async |connection: Arc<Connection>| {
                let statement = connection.prepared(sql).await?;
                let row = connection.client.query_opt(&statement, &[&name]).await?;
                row.map(|row| {
                    Ok(Snapshot {
                        stream: stream.clone(),
                        revision: Revision(row.try_get::<_, i64>(0)?.unsigned_abs()),
                        position: Position(row.try_get::<_, i64>(1)?.unsigned_abs()),
                        schema: row.try_get(2)?,
                        state: row.try_get::<_, Vec<u8>>(3)?.into(),
                    })
                })
                .transpose()
            };
            self.inner.reads.run(work).await.map_err(read_error)
        })
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ReadError>> {
        Box::pin(async move {
            let (name, sql) = (snapshot.stream.as_str(), &self.inner.sql.save_snapshot);
            let (revision, position) = (signed(snapshot.revision.0), signed(snapshot.position.0));
            let state: &[u8] = &snapshot.state;
            let work = async |connection: Arc<Connection>| {
                let statement = connection.prepared(sql).await?;
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                    [&name, &revision, &position, &snapshot.schema, &state];
                connection.client.execute(&statement, &values).await?;
                Ok(())
            };
            self.inner.reads.run(work).await.map_err(read_error)
        })
    }
}
