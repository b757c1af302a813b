//! Reading events in: newline-delimited CloudEvents, as an export wrote them.
//!
//! The order is kept, and so are the ids: importing a file again, or going on after a break, writes only what is not
//! there. Events are appended in groups of neighbours, one sync for each; revisions are counted anew, which gives the
//! same ones where a stream's beginning is in the file.

use std::io::BufRead;
use std::ops::RangeInclusive;

use tradewind_events::{
    Append, AppendError, Clock, EventId, EventStore, ExpectedRevision, Position, Query, StreamAppend, StreamId,
};

use super::ToolError;
use super::cloudevents::{Line, Lines};

/// How an import groups events.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The most events in one append.
    pub group_events_max: usize,
    /// The most bytes of input in one append, if it has more than one event.
    pub group_bytes_max: usize,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self { group_events_max: 1_000, group_bytes_max: 2 << 20 }
    }
}

/// What an import has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// The last line that is done.
    pub line: u64,
    /// How many events were written.
    pub events: u64,
    /// How many had been there before.
    pub duplicates: u64,
}

/// Imports CloudEvents, one a line. `progress` is told after each append.
///
/// # Errors
/// [`ToolError::Line`] names a malformed line: what stands before it has been imported, and nothing behind it.
/// [`ToolError::Append`] names the lines that the store refused.
pub async fn import(
    store: &dyn EventStore,
    input: impl BufRead + Send,
    clock: &dyn Clock,
    options: &ImportOptions,
    progress: &mut (dyn FnMut(Imported) + Send),
) -> Result<Imported, ToolError> {
    let mut lines = Lines::of(input, clock.now());
    let mut done = Imported::default();
    let mut group = Group::default();
    loop {
        let next = lines.next();
        let joins = matches!(&next, Ok(Some(line)) if group.takes(line, options));
        if !joins && !group.is_empty() {
            group.write(store, &mut done).await?;
            progress(done);
            group = Group::default();
        }
        match next? {
            Some(line) => group.add(line),
            None => return Ok(done),
        }
    }
}

/// Neighbouring events that one append can hold in their order.
#[derive(Default)]
struct Group {
    append: Append,
    lines: Vec<u64>,
    bytes: usize,
}

impl Group {
    fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether an event can be added without changing the order: an append has each stream once.
    fn takes(&self, line: &Line, options: &ImportOptions) -> bool {
        let streams = &self.append.streams;
        self.lines.len() < options.group_events_max.min(Append::EVENTS_MAX)
            && self.bytes + line.bytes <= options.group_bytes_max
            && (streams.last().is_some_and(|last| last.stream == line.stream)
                || streams.iter().all(|part| part.stream != line.stream))
    }

    fn add(&mut self, line: Line) {
        self.lines.push(line.number);
        self.bytes += line.bytes;
        match self.append.streams.last_mut() {
            Some(last) if last.stream == line.stream => last.events.push(line.event),
            _ => self.append.streams.push(StreamAppend {
                stream: line.stream,
                expected: ExpectedRevision::Any,
                events: vec![line.event],
            }),
        }
    }

    fn range(&self) -> RangeInclusive<u64> {
        self.lines.first().copied().unwrap_or(0)..=self.lines.last().copied().unwrap_or(0)
    }

    async fn write(&self, store: &dyn EventStore, done: &mut Imported) -> Result<(), ToolError> {
        let count = self.lines.len() as u64;
        match store.append(self.append.clone()).await {
            Ok(appended) if appended.duplicate => done.duplicates += count,
            Ok(_) => done.events += count,
            // Some are there, in another grouping, or an id comes twice in the file: one by one then.
            Err(AppendError::IdReused { .. } | AppendError::Invalid(_)) if count > 1 => {
                self.write_singly(store, done).await?;
            }
            Err(error) => self.settle(store, error, self.range(), done).await?,
        }
        done.line = *self.range().end();
        Ok(())
    }

    async fn write_singly(&self, store: &dyn EventStore, done: &mut Imported) -> Result<(), ToolError> {
        let mut lines = self.lines.iter().copied();
        for part in &self.append.streams {
            for event in &part.events {
                let line = lines.next().unwrap_or(0);
                let append = Append::to(part.stream.clone(), ExpectedRevision::Any, vec![event.clone()]);
                match store.append(append).await {
                    Ok(appended) if appended.duplicate => done.duplicates += 1,
                    Ok(_) => done.events += 1,
                    Err(error) => self.settle(store, error, line..=line, done).await?,
                }
                done.line = line;
            }
        }
        Ok(())
    }

    /// An event that is there already is no error, if it is in its stream.
    async fn settle(
        &self,
        store: &dyn EventStore,
        error: AppendError,
        lines: RangeInclusive<u64>,
        done: &mut Imported,
    ) -> Result<(), ToolError> {
        if let AppendError::IdReused { id, position } = error
            && let Some(stream) = self.stream_of(id)
            && is_recorded(store, id, stream, position).await?
        {
            done.duplicates += 1;
            return Ok(());
        }
        Err(ToolError::Append { first: *lines.start(), last: *lines.end(), source: error })
    }

    fn stream_of(&self, id: EventId) -> Option<&StreamId> {
        let part = self.append.streams.iter().find(|part| part.events.iter().any(|event| event.id == id))?;
        Some(&part.stream)
    }
}

/// Whether the event at a position is this one; one that was truncated meanwhile may have been.
async fn is_recorded(
    store: &dyn EventStore,
    id: EventId,
    stream: &StreamId,
    position: Position,
) -> Result<bool, ToolError> {
    let before = Position(position.0.saturating_sub(1));
    let page = store.read(before, &Query::all(), 1).await?;
    let there = page.events.first().filter(|event| event.position() == position);
    Ok(there.is_none_or(|event| event.id() == id && event.stream() == stream.as_str()))
}
