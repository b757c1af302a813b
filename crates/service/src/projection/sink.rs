//! Where a projection's events go: its database, on a thread where waiting is allowed.

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use rusqlite::Connection;
use tradewind_events::{Position, Recorded};

use super::Projection;
use super::database::{BUSY_MAX, BatchError, apply_batch, empty_journal, open_writer};
use super::generation::Generation;
use crate::follow::{Halt, Sink, Stopped};
use crate::shared::SharedWriter;

/// After how many positions without a matching event the checkpoint is written all the same.
const CHECKPOINT_EVERY: u64 = 10_000;

/// The writing side of one generation.
pub(crate) struct SqlSink {
    projection: Arc<dyn Projection>,
    generation: Arc<Generation>,
    /// None for a moment while it is at work elsewhere, and after a failure, until it is opened again.
    writer: Option<Writer>,
    /// Whether others learn how far it has come from the database alone.
    shared: Option<SharedWriter>,
    position: Position,
    stored: Position,
}

/// What writes to one kind of database.
pub(crate) enum Writer {
    Sqlite(Connection),
    Shared(SharedWriter),
}

impl SqlSink {
    pub(crate) fn new(projection: Arc<dyn Projection>, generation: Arc<Generation>, writer: Writer) -> Self {
        let position = generation.position();
        let shared = match &writer {
            Writer::Sqlite(_) => None,
            Writer::Shared(writer) => Some(writer.another()),
        };
        Self { projection, generation, writer: Some(writer), shared, position, stored: position }
    }

    pub(crate) fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }

    /// The database to write to, opened again if need be.
    async fn open(&mut self) -> Result<Writer, Halt> {
        if let Some(writer) = self.writer.take() {
            return Ok(writer);
        }
        if let Some(shared) = &self.shared {
            return Ok(Writer::Shared(shared.another()));
        }
        let (path, projection) = (self.generation.path().map(ToOwned::to_owned), self.projection.clone());
        let path = path.ok_or_else(|| Halt::Transient("it has no file".to_owned()))?;
        let opened = tokio::task::spawn_blocking(move || open_writer(&path, projection.schema())).await;
        let opened = opened.map_err(|join| Halt::Transient(join.to_string()))?;
        Ok(Writer::Sqlite(opened.map_err(|error| Halt::Transient(error.to_string()))?.connection))
    }

    /// Begins behind a position, if it has not come so far. That is kept with the next thing that is.
    pub(crate) fn begin_behind(&mut self, position: Position) {
        self.reached(position);
    }

    /// Applies events and moves the checkpoint in one transaction; tells the index of an event that cannot be.
    async fn write(&mut self, events: &[Recorded], through: Position) -> Result<Result<(), (usize, String)>, Halt> {
        let mut writer = self.open().await?;
        if let Writer::Shared(writer) = &mut writer {
            writer.connect().await.map_err(Halt::Transient)?;
        }
        let (projection, events, from) = (self.projection.clone(), events.to_vec(), self.stored);
        let work = move || {
            let outcome = match &mut writer {
                Writer::Sqlite(connection) => apply_batch(connection, &*projection, &events, from, through),
                Writer::Shared(writer) => writer.apply_batch(&*projection, &events, from, through),
            };
            match outcome {
                Ok(()) => Ok((writer, Ok(()))),
                Err(BatchError::Event(index, error)) => Ok((writer, Err((index, error.to_string())))),
                Err(trouble) => Err(trouble),
            }
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok((writer, outcome))) => {
                self.writer = Some(writer);
                Ok(outcome)
            }
            Ok(Err(BatchError::Database(error))) => Err(Halt::Transient(error.to_string())),
            Ok(Err(BatchError::Event(_, error))) => Err(Halt::Transient(error.to_string())),
            Ok(Err(BatchError::Moved(position))) => {
                (self.position, self.stored) = (position, position);
                Err(Halt::Transient(format!("the checkpoint was moved to {position} by another process")))
            }
            Ok(Err(BatchError::Fenced)) => {
                if let Some(shared) = &self.shared {
                    shared.lost();
                }
                Err(Halt::Transient("another instance has taken it over".to_owned()))
            }
            Err(join) => Err(Halt::Transient(join.to_string())),
        }
    }

    /// Brings all that was written into the database's own file, so that it can be copied; false if a reader is in the
    /// way just now.
    pub(crate) async fn settle(&mut self) -> Result<bool, Halt> {
        let position = self.position;
        if position > self.stored && self.write(&[], position).await?.is_ok() {
            self.stored = position;
        }
        let Some(Writer::Sqlite(writer)) = self.writer.take() else { return Ok(false) };
        let settled = tokio::task::spawn_blocking(move || {
            // A reader is not waited for: who asks can do without.
            writer.busy_timeout(Duration::from_millis(20))?;
            let settled = empty_journal(&writer);
            writer.busy_timeout(BUSY_MAX)?;
            Ok::<_, rusqlite::Error>((writer, settled?))
        });
        let settled = settled.await.map_err(|join| Halt::Transient(join.to_string()))?;
        let (writer, settled) = settled.map_err(|error| Halt::Transient(error.to_string()))?;
        self.writer = Some(Writer::Sqlite(writer));
        Ok(settled)
    }

    fn reached(&mut self, position: Position) {
        self.position = position.max(self.position);
        self.generation.set_position(self.position);
    }

    /// Whether it is enough to remember that nothing was to be done up to there. Not if others wait to read it.
    fn is_remembered(&self, through: Position) -> bool {
        let passed = through.0.saturating_sub(self.stored.0);
        if self.shared.is_some() { passed == 0 } else { passed < CHECKPOINT_EVERY }
    }

    async fn handle_batch(&mut self, events: &[Recorded], through: Position) -> Result<(), Halt> {
        if events.is_empty() && self.is_remembered(through) {
            self.reached(through);
            return Ok(());
        }
        let mut events = events;
        let (mut through, mut poison) = (through, None);
        // Those before an event that cannot be applied are applied without it; a projection that then fails at an
        // earlier one makes the batch shorter still.
        while let Err((index, error)) = self.write(events, through).await? {
            poison = Some(Stopped::at(&events[index], error));
            through = Position(events[index].position().0 - 1);
            events = &events[..index];
        }
        self.stored = through;
        self.reached(through);
        poison.map_or(Ok(()), |stopped| Err(Halt::Poison(Box::new(stopped))))
    }
}

impl Sink for SqlSink {
    fn position(&self) -> Position {
        self.position
    }

    fn handle<'a>(&'a mut self, events: &'a [Recorded], through: Position) -> BoxFuture<'a, Result<(), Halt>> {
        self.handle_batch(events, through).boxed()
    }

    fn flush(&mut self) -> BoxFuture<'_, ()> {
        async move {
            if self.position > self.stored && matches!(self.write(&[], self.position).await, Ok(Ok(()))) {
                self.stored = self.position;
            }
        }
        .boxed()
    }
}
