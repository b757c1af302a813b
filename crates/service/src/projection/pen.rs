//! What writes to one generation: transactions on its database, on a thread where waiting is allowed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tradewind_events::{Position, Recorded};

use super::Projection;
use super::database::{BUSY_MAX, BatchError, End, apply_batch, empty_journal, open_writer};
use super::generation::Generation;
use crate::reaction::{Failure, Ledger};
use crate::shared::{SharedAside, SharedWriter};

/// The writing side of one generation.
pub(crate) struct Pen {
    projection: Arc<dyn Projection>,
    generation: Arc<Generation>,
    /// None for a moment while it is at work elsewhere, and after a failure, until it is opened again.
    writer: Option<Writer>,
    /// Whether others learn how far it has come from the database alone.
    shared: Option<SharedWriter>,
}

/// What writes to one kind of database.
pub(crate) enum Writer {
    Sqlite(Connection),
    Shared(SharedWriter),
}

/// Why nothing of a transaction was kept.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// The event at this position cannot be applied.
    Event(Position, Failure),
    /// Somebody else has moved the checkpoint, to here.
    Moved(Position),
    /// Trying again may help.
    Trouble(String),
}

/// Where it is kept what is set aside: in the database itself.
pub(super) enum AsideAt {
    File(PathBuf),
    Shared(SharedAside),
}

impl AsideAt {
    /// # Errors
    /// Why it cannot be opened.
    pub(super) async fn open(&self) -> Result<Ledger, String> {
        match self {
            Self::Shared(aside) => Ok(Ledger::of_generation(aside.clone())),
            Self::File(path) => {
                let path = path.clone();
                let opened = tokio::task::spawn_blocking(move || Ledger::of_read_database(&path)).await;
                opened.map_err(|join| join.to_string())?.map_err(|error| error.to_string())
            }
        }
    }
}

impl Pen {
    pub(crate) fn new(projection: Arc<dyn Projection>, generation: Arc<Generation>, writer: Writer) -> Self {
        let shared = match &writer {
            Writer::Sqlite(_) => None,
            Writer::Shared(writer) => Some(writer.another()),
        };
        Self { projection, generation, writer: Some(writer), shared }
    }

    /// Another one on the same database, which is opened when it is used first.
    pub(super) fn another(&self) -> Self {
        let shared = self.shared.as_ref().map(SharedWriter::another);
        Self { projection: self.projection.clone(), generation: self.generation.clone(), writer: None, shared }
    }

    pub(super) fn projection(&self) -> &dyn Projection {
        &*self.projection
    }

    pub(super) fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }

    pub(super) fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Where it is kept what of this generation is set aside.
    pub(super) fn aside_at(&self) -> AsideAt {
        match &self.shared {
            Some(shared) => AsideAt::Shared(shared.aside()),
            None => AsideAt::File(self.generation.path().map(ToOwned::to_owned).unwrap_or_default()),
        }
    }

    /// The database to write to, opened again if need be.
    async fn open(&mut self) -> Result<Writer, String> {
        if let Some(writer) = self.writer.take() {
            return Ok(writer);
        }
        if let Some(shared) = &self.shared {
            return Ok(Writer::Shared(shared.another()));
        }
        let (path, projection) = (self.generation.path().map(ToOwned::to_owned), self.projection.clone());
        let path = path.ok_or("it has no file")?;
        let opened = tokio::task::spawn_blocking(move || open_writer(&path, projection.schema())).await;
        let opened = opened.map_err(|join| join.to_string())?;
        Ok(Writer::Sqlite(opened.map_err(|error| error.to_string())?.connection))
    }

    /// Applies events and does what comes with them in one transaction; tells whether more of a key is set aside.
    pub(super) async fn write(&mut self, events: Vec<Recorded>, end: End) -> Result<bool, Unwritten> {
        let mut writer = self.open().await.map_err(Unwritten::Trouble)?;
        if let Writer::Shared(writer) = &mut writer {
            writer.connect().await.map_err(Unwritten::Trouble)?;
        }
        let projection = self.projection.clone();
        let work = move || {
            let outcome = match &mut writer {
                Writer::Sqlite(connection) => apply_batch(connection, &*projection, &events, &end),
                Writer::Shared(writer) => writer.apply_batch(&*projection, &events, &end),
            };
            match outcome {
                Ok(is_left) => (Some(writer), Ok(is_left)),
                Err(BatchError::Event(index, failure)) => {
                    (Some(writer), Err(Unwritten::Event(events[index].position(), failure)))
                }
                Err(BatchError::Moved(position)) => (None, Err(Unwritten::Moved(position))),
                Err(BatchError::Database(error)) => (None, Err(Unwritten::Trouble(error.to_string()))),
                Err(BatchError::Fenced) => {
                    if let Writer::Shared(writer) = &writer {
                        writer.lost();
                    }
                    (None, Err(Unwritten::Trouble("another instance has taken it over".to_owned())))
                }
            }
        };
        let done = tokio::task::spawn_blocking(work).await;
        let (writer, outcome) = done.map_err(|join| Unwritten::Trouble(join.to_string()))?;
        self.writer = writer;
        outcome
    }

    /// Brings all that was written into the database's own file; false if a reader is in the way just now.
    pub(super) async fn settle(&mut self) -> Result<bool, String> {
        let Some(Writer::Sqlite(writer)) = self.writer.take() else { return Ok(false) };
        let settled = tokio::task::spawn_blocking(move || {
            // A reader is not waited for: who asks can do without.
            writer.busy_timeout(Duration::from_millis(20))?;
            let settled = empty_journal(&writer);
            writer.busy_timeout(BUSY_MAX)?;
            Ok::<_, rusqlite::Error>((writer, settled?))
        });
        let settled = settled.await.map_err(|join| join.to_string())?;
        let (writer, settled) = settled.map_err(|error| error.to_string())?;
        self.writer = Some(Writer::Sqlite(writer));
        Ok(settled)
    }
}
