//! Writing events out: what is there, and what comes.

use std::io::Write;

use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;
use tradewind_events::{Direction, EventSource, Position, Query, Recorded, Revision, StreamId};

use super::ToolError;
use tradewind_http::wire::event::write_event;

/// How many events are asked for at once.
const PAGE_EVENTS: usize = 1_000;

/// Which events.
#[derive(Debug, Clone)]
pub enum Selection {
    /// Those of one stream, from a revision on (inclusive).
    Stream {
        /// The stream.
        stream: StreamId,
        /// From where; [`Revision::END`] backwards begins at the last.
        from: Revision,
        /// In which order.
        direction: Direction,
    },
    /// Those of the whole store that match, after a position.
    Matching {
        /// Go on behind this.
        after: Position,
        /// Which.
        query: Query,
    },
}

/// Writes events as CloudEvents, one a line, at most `limit` of them. `progress` is told after each page how many
/// have been written, and up to which position. Answers how many.
///
/// # Errors
/// [`ToolError::Read`] and [`ToolError::Io`]; what was written before is whole.
pub async fn export(
    source: &dyn EventSource,
    selection: Selection,
    limit: u64,
    name: &str,
    out: &mut (dyn Write + Send),
    progress: &mut (dyn FnMut(u64, Position) + Send),
) -> Result<u64, ToolError> {
    let mut written = 0;
    let mut at = Cursor { selection, head: None };
    while written < limit {
        let wanted = PAGE_EVENTS.min(usize::try_from(limit - written).unwrap_or(usize::MAX));
        let Some(events) = at.next(source, wanted).await? else { break };
        write_lines(out, &events, name)?;
        written += events.len() as u64;
        let last = events.last().map_or(Position::START, Recorded::position);
        progress(written, last);
    }
    out.flush()?;
    Ok(written)
}

struct Cursor {
    selection: Selection,
    /// What was there when it began: an export of a store that is written to comes to an end.
    head: Option<Position>,
}

impl Cursor {
    /// The next page; none at the end.
    async fn next(&mut self, source: &dyn EventSource, limit: usize) -> Result<Option<Vec<Recorded>>, ToolError> {
        match &mut self.selection {
            Selection::Matching { after, query } => {
                if self.head.is_some_and(|head| *after >= head) {
                    return Ok(None);
                }
                let page = source.read(*after, query, limit).await?;
                self.head.get_or_insert(page.head);
                if page.through <= *after {
                    return Ok(None);
                }
                *after = page.through;
                Ok(Some(page.events))
            }
            Selection::Stream { stream, from, direction } => {
                if self.head.is_some() {
                    return Ok(None);
                }
                let slice = source.read_stream(stream, *from, *direction, limit).await?;
                let next = slice.events.last().map(Recorded::revision).and_then(|last| match direction {
                    Direction::Forward => Some(last.next()),
                    Direction::Backward => last.0.checked_sub(1).map(Revision),
                });
                match next {
                    Some(next) if !slice.end => *from = next,
                    _ => self.head = Some(Position::END),
                }
                Ok(Some(slice.events))
            }
        }
    }
}

/// Writes events as they come, one a line, until `stop` is cancelled. Answers how many.
///
/// # Errors
/// [`ToolError::Read`] and [`ToolError::Io`].
pub async fn tail(
    source: &dyn EventSource,
    after: Position,
    query: Query,
    name: &str,
    out: &mut (dyn Write + Send),
    stop: &CancellationToken,
) -> Result<u64, ToolError> {
    let mut subscription = source.subscribe(after, query).await?;
    let mut written = 0;
    loop {
        let delivery = tokio::select! {
            delivery = subscription.next() => delivery,
            () = stop.cancelled() => return Ok(written),
        };
        let Some(delivery) = delivery.transpose()? else { return Ok(written) };
        write_lines(out, &delivery.events, name)?;
        out.flush()?;
        written += delivery.events.len() as u64;
    }
}

fn write_lines(out: &mut (dyn Write + Send), events: &[Recorded], name: &str) -> std::io::Result<()> {
    let mut lines = Vec::with_capacity(events.len() * 512);
    for event in events {
        write_event(&mut lines, event, name);
        lines.push(b'\n');
    }
    out.write_all(&lines)
}
