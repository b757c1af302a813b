//! Making one past, from the nearest that is kept or from nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tradewind_events::{Position, Recorded, Timestamp};

use super::super::database::{Writer, open_writer, set_checkpoint};
use super::super::generation::{Generation, files_of, remove_database};
use super::super::pen;
use super::super::sink::SqlSink;
use super::{PastError, Pasts};
use crate::AsOf;
use crate::follow::{Halt, Sink};

/// How many events are read at once.
const PAGE_EVENTS: usize = 4_096;

/// After how many positions, at least, a past that is being made is kept as it is then, for others to begin with.
const MARK_EVERY_MIN: u64 = 100_000;
/// The same before the first event that is left out.
const MARK_BEFORE_GAP_MIN: u64 = 5_000;
/// How often at most while one past is made.
const MARKS_MAX: u64 = 6;

/// One past, and how far it has been made.
pub(super) struct Past {
    pub(super) sink: SqlSink,
    events: u64,
    beginning: Beginning,
}

/// How much of the log's beginning is in a past without a gap, and whether nothing else is.
#[derive(Debug, Clone, Copy)]
struct Beginning {
    /// Up to here nothing is missing.
    through: Position,
    /// The latest time of what is in it.
    latest: Timestamp,
    /// Whether something was left out.
    has_gap: bool,
    /// Whether something behind a gap is in it. Then nothing else can begin with it.
    mixed: bool,
}

impl Default for Beginning {
    fn default() -> Self {
        let latest = Timestamp::from_micros(i64::MIN);
        Self { through: Position::START, latest, has_gap: false, mixed: false }
    }
}

impl Beginning {
    /// Takes note of an event that is, or is not, part of the past.
    fn note(&mut self, event: &Recorded, is_in: bool) {
        match (is_in, self.has_gap) {
            (true, true) => self.mixed = true,
            (true, false) => self.latest = self.latest.max(event.time()),
            (false, false) => {
                self.has_gap = true;
                self.through = Position(event.position().0 - 1);
            }
            (false, true) => {}
        }
    }

    fn passed(&mut self, through: Position) {
        if !self.has_gap {
            self.through = through;
        }
    }
}

impl Past {
    /// Up to where it is the beginning of another past, if it can be.
    pub(super) fn begins(&self, as_of: AsOf) -> Option<Position> {
        let Beginning { through, latest, mixed, .. } = self.beginning;
        let all_of_it_belongs = match as_of {
            AsOf::Position(last) => through <= last,
            AsOf::Time(last) => latest <= last,
        };
        (!mixed && all_of_it_belongs && through > Position::START).then_some(through)
    }

    /// What it has of the disk.
    pub(super) fn bytes(&self) -> u64 {
        let files = self.sink.generation().path().map(files_of);
        files.iter().flatten().map(|file| fs::metadata(file).map_or(0, |file| file.len())).sum()
    }
}

impl Drop for Past {
    fn drop(&mut self) {
        self.sink.generation().set_replaced();
    }
}

impl Pasts {
    /// A past to go on with: a copy of the nearest one, or nothing yet.
    pub(super) async fn begin(&self, as_of: AsOf) -> Result<Past, PastError> {
        if let Some(mut nearest) = self.shelf.nearest(as_of).await
            && let Some(nearest) = nearest.as_mut()
        {
            match self.copy(nearest).await {
                Ok(Some(copy)) => return Ok(copy),
                // Somebody reads it just now, or the disk is in trouble: it costs more, but can be made without.
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a past cannot be copied; another is made from the beginning"),
            }
        }
        let path = self.fresh_path();
        let projection = self.of.projection.clone();
        let schema = projection.schema();
        let folder = self.folder.clone();
        let made = tokio::task::spawn_blocking(move || {
            fs::create_dir_all(&folder)?;
            open(&path, schema).map(|writer| (path, writer))
        });
        let (path, writer) = joined(made.await)?;
        Ok(Past { sink: self.sink(path, writer), events: 0, beginning: Beginning::default() })
    }

    /// The same past once more, as far as it is the beginning of the log. None if it cannot be copied just now.
    async fn copy(&self, of: &mut Past) -> Result<Option<Past>, PastError> {
        let path = self.fresh_path();
        let settled = of.sink.settle().await.map_err(failed)?;
        if !settled {
            return Ok(None);
        }
        let Some(from) = of.sink.generation().path().map(Path::to_owned) else { return Ok(None) };
        let (to, through) = (path.clone(), of.beginning.through);
        let schema = self.of.projection.schema();
        let copied = tokio::task::spawn_blocking(move || {
            let copied = copy(&from, &to, schema, through);
            if copied.is_err() {
                remove_database(&to);
            }
            copied
        });
        let writer = joined(copied.await)?;
        let beginning = Beginning { has_gap: false, ..of.beginning };
        Ok(Some(Past { sink: self.sink(path, writer), events: of.events, beginning }))
    }

    fn fresh_path(&self) -> PathBuf {
        self.folder.join(format!("{}.db", self.made.fetch_add(1, Ordering::Relaxed)))
    }

    fn sink(&self, path: PathBuf, writer: Writer) -> SqlSink {
        let Writer { connection, position, of_today } = writer;
        let generation = Arc::new(Generation::new(path, position, of_today));
        SqlSink::new(self.of.projection.clone(), generation, pen::Writer::Sqlite(connection))
    }

    pub(super) async fn advance(&self, past: &mut Past, as_of: AsOf, through: Position) -> Result<(), PastError> {
        let query = self.of.upcasters.widen(self.of.projection.query());
        let begun = past.sink.position();
        let mark_every = (through.0.saturating_sub(begun.0) / MARKS_MAX).max(MARK_EVERY_MIN);
        let mut marked = begun;
        while past.sink.position() < through {
            let mut page = self.of.source.read(past.sink.position(), &query, PAGE_EVENTS).await?;
            if page.through <= past.sink.position() {
                return Err(PastError::Failed(format!("the source does not tell what is behind {}", page.through)));
            }
            let reached = page.through.min(through);
            page.events.retain(|event| event.position() <= through && !self.of.skips.contains(event.position()));
            if !past.beginning.has_gap
                && let Some(gap) = page.events.iter().position(|event| !as_of.includes(event))
            {
                // The longest beginning that another past can have in common with this one: whoever moves on by a day
                // begins here, unless what was kept on the way is as good.
                let behind = page.events.split_off(gap);
                let before = Position(behind[0].position().0 - 1);
                self.take(past, page.events, as_of, before).await?;
                page.events = behind;
                if before.0.saturating_sub(marked.0) >= MARK_BEFORE_GAP_MIN {
                    self.mark(past).await;
                }
            }
            self.take(past, page.events, as_of, reached).await?;
            let is_on_its_way = reached < through && !past.beginning.has_gap;
            if is_on_its_way && reached.0 - marked.0 >= mark_every {
                marked = reached;
                self.mark(past).await;
            }
        }
        Ok(())
    }

    /// Takes in those of the events that belong to it. Behind `reached` it goes on.
    async fn take(
        &self,
        past: &mut Past,
        mut events: Vec<Recorded>,
        as_of: AsOf,
        reached: Position,
    ) -> Result<(), PastError> {
        events.retain(|event| {
            let is_in = as_of.includes(event);
            past.beginning.note(event, is_in);
            is_in
        });
        past.events += events.len() as u64;
        if past.events > self.options.events_max {
            return Err(PastError::TooLong(self.options.events_max));
        }
        let events = events.into_iter().map(|event| self.of.skips.fixed(event)).collect();
        let events = self.of.upcasters.upcast_all(events)?;
        past.sink.handle(&events, reached).await.map_err(failed)?;
        past.beginning.passed(reached);
        if past.bytes() > self.options.bytes_max {
            return Err(PastError::TooLarge(self.options.bytes_max));
        }
        Ok(())
    }

    /// Keeps a copy for those who ask for an earlier moment. If that fails, they wait longer.
    async fn mark(&self, past: &mut Past) {
        match self.copy(past).await {
            Ok(Some(copy)) => self.shelf.put(AsOf::Position(copy.beginning.through), copy).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a past cannot be copied"),
        }
    }
}

fn failed(halt: Halt) -> PastError {
    match halt {
        Halt::Poison(at) => PastError::Failed(format!("event {} at {}: {}", at.event_id, at.position, at.error)),
        Halt::Transient(problem) => PastError::Failed(problem),
        Halt::Told => PastError::Failed("it was told to stop".to_owned()),
    }
}

fn joined<T>(done: Result<io::Result<T>, tokio::task::JoinError>) -> Result<T, PastError> {
    let done = done.map_err(|error| PastError::Failed(error.to_string()))?;
    done.map_err(|error| PastError::Failed(error.to_string()))
}

/// Copies a database whose journal is empty, as one that has come to `through`.
fn copy(from: &Path, to: &Path, schema: &str, through: Position) -> io::Result<Writer> {
    fs::copy(from, to)?;
    let writer = open(to, schema)?;
    set_checkpoint(&writer.connection, through).map_err(io::Error::other)?;
    Ok(Writer { position: through, ..writer })
}

/// A database that need not outlive the process: nothing waits for the disk.
fn open(path: &Path, schema: &str) -> io::Result<Writer> {
    let writer = open_writer(path, schema).map_err(io::Error::other)?;
    writer.connection.pragma_update(None, "synchronous", "OFF").map_err(io::Error::other)?;
    Ok(writer)
}
