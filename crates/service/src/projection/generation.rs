//! One built read database and those who read it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{Semaphore, watch};
use tradewind_events::Position;

use super::QueryError;
use super::database::{checkpoint, open_reader};
use super::folder::GenerationName;
use super::question::Question;
use super::reader::Reader;
use crate::shared::{Hurry, SharedTables};
use crate::sql;

/// How many queries read one database file at the same time; others wait.
const READERS_MAX: usize = 8;
/// How long a query waits for its turn.
const TURN_WAIT_MAX: Duration = Duration::from_secs(10);

/// One generation of a read model. When the last user of a replaced one is done, its file is removed.
pub(crate) struct Generation {
    place: Place,
    of_today: bool,
    progress: watch::Sender<Position>,
    turns: Arc<Semaphore>,
    replaced: AtomicBool,
}

/// Where it is.
enum Place {
    File(Arc<ReadFile>),
    Shared(SharedTables),
}

struct ReadFile {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Generation {
    /// The database at `path`, which has come to `position`; `of_today` if its tables are those of today's code.
    pub(crate) fn new(path: PathBuf, position: Position, of_today: bool) -> Self {
        let turns = Arc::new(Semaphore::new(READERS_MAX));
        Self::at(Place::File(Arc::new(ReadFile { path, idle: Mutex::default() })), turns, position, of_today)
    }

    /// Tables in a database that several instances share.
    pub(crate) fn shared(tables: SharedTables, position: Position, of_today: bool) -> Self {
        let turns = tables.turns();
        Self::at(Place::Shared(tables), turns, position, of_today)
    }

    fn at(place: Place, turns: Arc<Semaphore>, position: Position, of_today: bool) -> Self {
        let progress = watch::Sender::new(position);
        Self { place, of_today, progress, turns, replaced: AtomicBool::new(false) }
    }

    /// Its file; none if it has none of its own.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(file) => Some(&file.path),
            Place::Shared(_) => None,
        }
    }

    /// What it is called among the generations of its projection.
    pub(crate) fn name(&self) -> Option<GenerationName> {
        match &self.place {
            Place::File(file) => GenerationName::of(&file.path),
            Place::Shared(tables) => Some(tables.name()),
        }
    }

    /// Whether today's code can ask it.
    pub(crate) fn is_of_today(&self) -> bool {
        self.of_today
    }

    /// Up to where the database tells all.
    pub(crate) fn position(&self) -> Position {
        *self.progress.borrow()
    }

    pub(crate) fn progress(&self) -> watch::Receiver<Position> {
        self.progress.subscribe()
    }

    /// Somebody waits for its progress, until what this returns is dropped.
    pub(crate) fn hurry(&self) -> Option<Hurry> {
        match &self.place {
            Place::File(_) => None,
            Place::Shared(tables) => Some(tables.hurry()),
        }
    }

    pub(crate) fn set_position(&self, position: Position) {
        self.progress.send_if_modified(|old| {
            let moved = *old < position;
            *old = position.max(*old);
            moved
        });
    }

    /// The file goes when its last reader has gone.
    pub(crate) fn set_replaced(&self) {
        self.replaced.store(true, Ordering::SeqCst);
    }

    /// Runs a question in one read transaction; the answer's position is told by the same transaction.
    pub(crate) async fn read(self: Arc<Self>, question: Question) -> Result<Position, QueryError> {
        let turn = tokio::time::timeout(TURN_WAIT_MAX, self.turns.clone().acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(QueryError::Overloaded)?;
        let file = match &self.place {
            Place::Shared(tables) => return tables.read(turn, question).await,
            Place::File(file) => file.clone(),
        };
        let read = move || {
            // The question goes on when nobody waits for its answer any more, and so does its turn. Positions without a
            // matching event move only in memory, and are in the database's past already.
            let _turn = turn;
            file.read(self.position(), question)
        };
        let answer = tokio::task::spawn_blocking(read).await;
        answer.map_err(|panic| QueryError::Failed(panic.to_string()))?.map_err(QueryError::Database)
    }
}

impl ReadFile {
    fn read(&self, passed: Position, question: Question) -> sql::Result<Position> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let tx = connection.transaction()?;
        let position = checkpoint(&tx)?.max(passed);
        question.put_to(&Reader::new(&tx, position))?;
        tx.finish()?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(position)
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        let Place::File(file) = &self.place else { return };
        if self.replaced.load(Ordering::SeqCst) {
            file.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
            remove_database(&file.path);
        }
    }
}
/// The database at `path`, its journal, and the journal's index.
pub(crate) fn files_of(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        file.into()
    })
}

/// Removes a database with its journals. One that cannot be removed is tried again at the next start.
pub(crate) fn remove_database(path: &Path) {
    for file in files_of(path) {
        if let Err(error) = std::fs::remove_file(&file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(?file, %error, "failed to remove a replaced read database");
        }
    }
}
