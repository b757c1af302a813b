//! SQLite: a table of events by position, streams by number, an index from stream and revision. In WAL mode, each
//! transaction synced (`synchronous=FULL`, with `fdatasync`), alone with its file, prepared statements, a large
//! cache, a checkpoint every 16 MiB.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use tradewind_bench::measure::Fresh;

use crate::error::Failure;
use crate::heads::{Head, Heads};
use crate::peer::Peer;

const SCHEMA: &str = "
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 4096;
    PRAGMA cache_size = -262144;
    PRAGMA mmap_size = 8589934592;
    PRAGMA temp_store = MEMORY;
    CREATE TABLE IF NOT EXISTS stream (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS event (
        position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, revision INTEGER NOT NULL,
        id BLOB NOT NULL, kind TEXT NOT NULL, time INTEGER NOT NULL, data BLOB NOT NULL);
    CREATE UNIQUE INDEX IF NOT EXISTS event_in_stream ON event (stream, revision);";

pub(crate) struct Sqlite {
    connection: Connection,
    heads: Heads,
}

/// An event that waits for its transaction.
pub(crate) struct Job {
    stream: Box<str>,
    last: Option<u64>,
    id: [u8; 16],
    kind: Box<str>,
    time: i64,
    data: Box<[u8]>,
}

fn head_of(connection: &Connection, stream: &str) -> Result<Option<Head>, Failure> {
    let mut number = connection.prepare_cached("SELECT number FROM stream WHERE name = ?1")?;
    let Some(number) = number.query_row([stream], |row| row.get::<_, i64>(0)).optional()? else { return Ok(None) };
    let mut last = connection.prepare_cached("SELECT max(revision) FROM event WHERE stream = ?1")?;
    let last = last.query_row([number], |row| row.get::<_, i64>(0))?;
    Ok(Some(Head { number, last: last.cast_unsigned() }))
}

impl Peer for Sqlite {
    const NAME: &'static str = "sqlite";
    type Job = Job;

    fn open(folder: &Path) -> Result<Self, Failure> {
        let connection = Connection::open(folder.join("events.sqlite"))?;
        connection.execute_batch(SCHEMA)?;
        connection.set_prepared_statement_cache_capacity(16);
        Ok(Self { connection, heads: Heads::default() })
    }

    fn prepare(event: &Fresh<'_>) -> Job {
        Job {
            stream: event.stream.into(),
            last: event.last,
            id: event.id.to_le_bytes(),
            kind: event.kind.into(),
            time: event.time,
            data: event.data.into(),
        }
    }

    fn commit(&mut self, jobs: Vec<Job>) -> Result<(), Failure> {
        let transaction = self.connection.transaction()?;
        {
            let mut begin = transaction.prepare_cached("INSERT INTO stream (name) VALUES (?1)")?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO event (stream, revision, id, kind, time, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for job in &jobs {
                let head = self.heads.check(&job.stream, job.last, || head_of(&transaction, &job.stream))?;
                let (number, revision) = match head {
                    Some(head) => (head.number, head.last + 1),
                    None => (begin.insert([&job.stream])?, 0),
                };
                insert.execute(params![number, revision.cast_signed(), job.id, job.kind, job.time, job.data])?;
                self.heads.set(&job.stream, Head { number, last: revision });
            }
        }
        Ok(transaction.commit()?)
    }

    fn replay(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let mut all = self.connection.prepare_cached(
            "SELECT event.position, name, revision, id, kind, time, data
             FROM event JOIN stream ON stream.number = event.stream ORDER BY event.position",
        )?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            each(row.get_ref(6)?.as_blob()?);
        }
        Ok(())
    }

    fn stream(&mut self, name: &str) -> Result<usize, Failure> {
        let mut events = self.connection.prepare_cached(
            "SELECT position, revision, id, kind, time, data FROM event
             WHERE stream = (SELECT number FROM stream WHERE name = ?1) ORDER BY revision",
        )?;
        let mut rows = events.query([name])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(row.get_ref(5)?.as_blob()?.to_vec());
        }
        Ok(found.len())
    }
}
