//! The past of one thing: of its own few events instead of all.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::Connection;
use tradewind_events::{Direction, Position, Query, Recorded, Revision, StreamId, Tag};

use super::super::Projection;
use super::super::database::apply_one;
use super::{PastError, PastSource};
use crate::{AsOf, sql};

/// How many events are read at once.
const PAGE_EVENTS: usize = 1_024;
/// How many events are few.
const EVENTS_MAX: usize = 20_000;
/// How many streams are few.
const STREAMS_MAX: usize = 2_000;

/// Of which events an answer is made, where these are a few of those that the read model is made of: those of one
/// order, or all that is tagged with one product. To answer as of a past then takes as long as reading these, however
/// long the log is. The answer must be the same as if the read model had seen nothing but them.
#[derive(Debug, Clone, Default)]
pub struct About {
    streams: Vec<StreamId>,
    tags: Vec<Tag>,
    whole_streams: bool,
}

impl About {
    /// The events of the stream `{category}-{id}`; of an id that can be no stream's, nothing has ever been recorded.
    #[must_use]
    pub fn stream(category: &str, id: &str) -> Self {
        Self { streams: StreamId::of(category, id).into_iter().collect(), ..Self::default() }
    }

    /// The events with this tag.
    #[must_use]
    pub fn tagged(tag: Tag) -> Self {
        Self { tags: vec![tag], ..Self::default() }
    }

    /// All events of the streams in which any event has this tag: the orders of a customer.
    #[must_use]
    pub fn streams_tagged(tag: Tag) -> Self {
        Self { tags: vec![tag], whole_streams: true, ..Self::default() }
    }

    /// These, and those with this tag.
    #[must_use]
    pub fn or_tagged(mut self, tag: Tag) -> Self {
        self.tags.push(tag);
        self
    }

    /// The events that belong to the past, in their order; none if there are too many, or if the beginning of a stream
    /// is gone.
    pub(super) async fn events(
        &self,
        of: &PastSource,
        as_of: AsOf,
        through: Position,
    ) -> Result<Option<Vec<Recorded>>, PastError> {
        let mut found = BTreeMap::new();
        let mut streams = self.streams.clone();
        for tag in &self.tags {
            let Some(tagged) = read_tagged(of, tag, through).await? else { return Ok(None) };
            if self.whole_streams {
                streams
                    .extend(tagged.iter().filter_map(|event| StreamId::of(event.category(), event.entity_id()).ok()));
            } else {
                found.extend(tagged.into_iter().map(|event| (event.position(), event)));
            }
        }
        streams.sort();
        streams.dedup();
        if streams.len() > STREAMS_MAX {
            return Ok(None);
        }
        for stream in &streams {
            let Some(events) = read_stream(of, stream).await? else { return Ok(None) };
            found.extend(events.into_iter().map(|event| (event.position(), event)));
            if found.len() > EVENTS_MAX {
                return Ok(None);
            }
        }
        let wanted = of.upcasters.widen(of.projection.query());
        let belongs = |event: &Recorded| {
            event.position() <= through
                && as_of.includes(event)
                && wanted.matches(event)
                && !of.skips.contains(event.position())
        };
        let events = found.into_values().filter(belongs).map(|event| of.skips.fixed(event)).collect();
        Ok(Some(of.upcasters.upcast_all(events)?))
    }
}

async fn read_tagged(of: &PastSource, tag: &Tag, through: Position) -> Result<Option<Vec<Recorded>>, PastError> {
    let query = Query::tags([tag.clone()]);
    let (mut all, mut after) = (Vec::new(), Position::START);
    while after < through {
        let page = of.source.read(after, &query, PAGE_EVENTS).await?;
        if page.through <= after {
            return Err(PastError::Failed(format!("the source does not tell what is behind {after}")));
        }
        after = page.through;
        all.extend(page.events);
        if all.len() > EVENTS_MAX {
            return Ok(None);
        }
    }
    Ok(Some(all))
}

async fn read_stream(of: &PastSource, stream: &StreamId) -> Result<Option<Vec<Recorded>>, PastError> {
    let (mut all, mut from) = (Vec::<Recorded>::new(), Revision::FIRST);
    loop {
        let slice = of.source.read_stream(stream, from, Direction::Forward, PAGE_EVENTS).await?;
        if slice.first > from || all.len() > EVENTS_MAX {
            return Ok(None);
        }
        match slice.events.last() {
            Some(last) if !slice.end => from = last.revision().next(),
            _ => {
                all.extend(slice.events);
                return Ok(Some(all));
            }
        }
        all.extend(slice.events);
    }
}

/// A read model in memory that has seen these events and no others.
pub(super) async fn apply(projection: Arc<dyn Projection>, events: Vec<Recorded>) -> Result<Connection, PastError> {
    let made = tokio::task::spawn_blocking(move || {
        let failed = |problem: &dyn std::fmt::Display| PastError::Failed(problem.to_string());
        let mut connection = Connection::open_in_memory().map_err(|error| failed(&error))?;
        connection.execute_batch(projection.schema()).map_err(|error| failed(&error))?;
        let tx = connection.transaction().map_err(|error| failed(&error))?;
        for event in &events {
            apply_one(&sql::Transaction::on_sqlite(&tx), &*projection, event)
                .map_err(|error| PastError::Failed(format!("event {} at {}: {error}", event.id(), event.position())))?;
        }
        tx.commit().map_err(|error| failed(&error))?;
        Ok(connection)
    });
    made.await.map_err(|error| PastError::Failed(error.to_string()))?
}
