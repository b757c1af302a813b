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
use super::reader::Reader;

/// How many queries read one database at the same time; others wait.
const READERS_MAX: usize = 8;
/// How long a query waits for its turn.
const TURN_WAIT_MAX: Duration = Duration::from_secs(10);

/// One database file. When the last user of a replaced one is done, its file is removed.
pub(crate) struct Generation {
    path: PathBuf,
    of_today: bool,
    progress: watch::Sender<Position>,
    idle: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
    replaced: AtomicBool,
}

impl Generation {
    /// The database at `path`, which has come to `position`; `of_today` if its tables are those of today's code.
    pub(crate) fn new(path: PathBuf, position: Position, of_today: bool) -> Self {
        Self {
            path,
            of_today,
            progress: watch::Sender::new(position),
            idle: Mutex::default(),
            turns: Arc::new(Semaphore::new(READERS_MAX)),
            replaced: AtomicBool::new(false),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
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
    pub(crate) async fn read<T, F>(self: Arc<Self>, ask: F) -> Result<(T, Position), QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&Reader<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let turn = tokio::time::timeout(TURN_WAIT_MAX, self.turns.clone().acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(QueryError::Overloaded)?;
        let read = move || {
            // The question goes on when nobody waits for its answer any more, and so does its turn.
            let _turn = turn;
            self.read_now(ask)
        };
        let answer = tokio::task::spawn_blocking(read).await;
        answer.map_err(|panic| QueryError::Failed(panic.to_string()))?.map_err(QueryError::Database)
    }

    fn read_now<T>(&self, ask: impl FnOnce(&Reader<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<(T, Position)> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        // Positions without a matching event move only in memory, and are in the database's past already.
        let passed = self.position();
        let tx = connection.transaction()?;
        let position = checkpoint(&tx)?.max(passed);
        let answer = ask(&Reader::new(&tx, position))?;
        tx.finish()?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok((answer, position))
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if !self.replaced.load(Ordering::SeqCst) {
            return;
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        remove_database(&self.path);
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
