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

/// After how many positions without a matching event the checkpoint is written all the same.
const CHECKPOINT_EVERY: u64 = 10_000;

/// The writing side of one generation.
pub(crate) struct SqlSink {
    projection: Arc<dyn Projection>,
    generation: Arc<Generation>,
    /// None for a moment while it is at work elsewhere, and after a failure, until it is opened again.
    writer: Option<Connection>,
    position: Position,
    stored: Position,
}

impl SqlSink {
    pub(crate) fn new(projection: Arc<dyn Projection>, generation: Arc<Generation>, writer: Connection) -> Self {
        let position = generation.position();
        Self { projection, generation, writer: Some(writer), position, stored: position }
    }

    pub(crate) fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }

    /// Applies events and moves the checkpoint in one transaction; tells the index of an event that cannot be.
    async fn write(&mut self, events: &[Recorded], through: Position) -> Result<Result<(), (usize, String)>, Halt> {
        let writer = self.writer.take();
        let (projection, events) = (self.projection.clone(), events.to_vec());
        let (path, from) = (self.generation.path().to_owned(), self.stored);
        let work = move || {
            let mut writer = match writer {
                Some(writer) => writer,
                None => open_writer(&path, projection.schema()).map_err(BatchError::Database)?.connection,
            };
            let outcome = apply_batch(&mut writer, &*projection, &events, from, through);
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
        let Some(writer) = self.writer.take() else { return Ok(false) };
        let settled = tokio::task::spawn_blocking(move || {
            // A reader is not waited for: who asks can do without.
            writer.busy_timeout(Duration::from_millis(20))?;
            let settled = empty_journal(&writer);
            writer.busy_timeout(BUSY_MAX)?;
            Ok::<_, rusqlite::Error>((writer, settled?))
        });
        let settled = settled.await.map_err(|join| Halt::Transient(join.to_string()))?;
        let (writer, settled) = settled.map_err(|error| Halt::Transient(error.to_string()))?;
        self.writer = Some(writer);
        Ok(settled)
    }

    fn reached(&mut self, position: Position) {
        self.position = position.max(self.position);
        self.generation.set_position(self.position);
    }

    async fn handle_batch(&mut self, events: &[Recorded], through: Position) -> Result<(), Halt> {
        if events.is_empty() && through.0.saturating_sub(self.stored.0) < CHECKPOINT_EVERY {
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
