//! Commands that come again: recognised by the ids of their events, which follow from the key.

use std::collections::HashSet;

use tradewind_events::{Appended, Direction, EventId, Position, Query, Recorded, Revision, StreamId};

use super::{Acknowledged, CommandError, Commands, LoadError};
use crate::CommandContext;
use crate::context::FINGERPRINT;

/// How many events are asked for at a time.
const PAGE_EVENTS: usize = 256;
/// How far back an entity's events are searched for those of a repeated command.
const SEARCHED_EVENTS_MAX: usize = 4_096;

impl Commands {
    /// The answer that the command was given before, if its events are found in the stream.
    pub(super) async fn find_repeated(
        &self,
        stream: &StreamId,
        context: &CommandContext,
    ) -> Result<Option<Acknowledged>, CommandError> {
        let Some(key) = &context.key else { return Ok(None) };
        let first_id = key.event_id(0);
        let (mut from, mut searched, mut later) = (Revision::END, 0, Vec::<Recorded>::new());
        while searched < SEARCHED_EVENTS_MAX {
            let read = self.inner.loader.store.read_stream(stream, from, Direction::Backward, PAGE_EVENTS).await;
            let slice = read.map_err(LoadError::from)?;
            for event in &slice.events {
                if event.id() != first_id {
                    later.push(event.clone());
                    continue;
                }
                refuse_other_request(event, context)?;
                let last = (1..).zip(later.iter().rev()).take_while(|(n, e)| e.id() == key.event_id(*n)).last();
                let last = last.map_or(event, |(_, event)| event);
                self.inner.metrics.duplicates.inc();
                let (position, revision) = (last.position(), Some(last.revision()));
                return Ok(Some(Acknowledged { position, revision, duplicate: true }));
            }
            searched += slice.events.len();
            match slice.events.last() {
                Some(oldest) if !slice.end && oldest.revision() > Revision::FIRST => {
                    from = Revision(oldest.revision().0 - 1);
                }
                _ => break,
            }
        }
        Ok(None)
    }

    /// The answer that the command was given before, if its events begin at `position`. They may have been others
    /// than it would record now.
    pub(super) async fn find_at(
        &self,
        position: Position,
        stream: &StreamId,
        context: &CommandContext,
    ) -> Result<Option<Acknowledged>, CommandError> {
        let (Some(key), store) = (&context.key, &self.inner.loader.store) else { return Ok(None) };
        let before = Position(position.0.saturating_sub(1));
        let page = store.read(before, &Query::all(), 1).await.map_err(LoadError::from)?;
        let first = page.events.into_iter().next();
        let is_ours = |event: &Recorded| event.stream() == stream.as_str() && event.id() == key.event_id(0);
        let Some(mut last) = first.filter(is_ours) else { return Ok(None) };
        refuse_other_request(&last, context)?;
        let mut count = 1;
        loop {
            let read = store.read_stream(stream, last.revision().next(), Direction::Forward, PAGE_EVENTS).await;
            let slice = read.map_err(LoadError::from)?;
            let more = slice.events.iter().zip(count..).take_while(|(event, n)| event.id() == key.event_id(*n)).count();
            if let Some(event) = more.checked_sub(1).and_then(|index| slice.events.get(index)) {
                last = event.clone();
                count += more;
            }
            if more < PAGE_EVENTS {
                self.inner.metrics.duplicates.inc();
                let (position, revision) = (last.position(), Some(last.revision()));
                return Ok(Some(Acknowledged { position, revision, duplicate: true }));
            }
        }
    }

    /// The ids of all that a stream has recorded after a revision.
    pub(crate) async fn ids_after(&self, stream: &StreamId, revision: Revision) -> Result<HashSet<EventId>, LoadError> {
        let (mut ids, mut from) = (HashSet::new(), revision.next());
        loop {
            let slice = self.inner.loader.store.read_stream(stream, from, Direction::Forward, PAGE_EVENTS).await?;
            ids.extend(slice.events.iter().map(Recorded::id));
            match slice.events.last() {
                Some(last) if !slice.end => from = last.revision().next(),
                _ => return Ok(ids),
            }
        }
    }

    /// The store says that these events were recorded before: was it for the same request?
    pub(super) async fn check_fingerprint(
        &self,
        answer: &Appended,
        context: &CommandContext,
    ) -> Result<(), CommandError> {
        if context.key.as_ref().is_none_or(|key| key.fingerprint.is_none()) {
            return Ok(());
        }
        let before = Position(answer.first.0.saturating_sub(1));
        let page = self.inner.loader.store.read(before, &Query::all(), 1).await;
        match page.map_err(LoadError::from)?.events.first() {
            Some(event) if event.position() == answer.first => refuse_other_request(event, context),
            _ => Ok(()),
        }
    }

    pub(super) fn acknowledge_repeated(&self, answer: &Appended) -> Acknowledged {
        self.inner.metrics.duplicates.inc();
        let revision = answer.revisions.first().copied().flatten();
        Acknowledged { position: answer.last, revision, duplicate: true }
    }
}

fn refuse_other_request(event: &Recorded, context: &CommandContext) -> Result<(), CommandError> {
    let recorded = event.metadata().ok().and_then(|mut metadata| metadata.extensions.remove(FINGERPRINT));
    let now = context.key.as_ref().and_then(|key| key.fingerprint.as_ref());
    match (recorded, now) {
        (Some(recorded), Some(now)) if recorded != *now => Err(CommandError::KeyReused),
        _ => Ok(()),
    }
}
