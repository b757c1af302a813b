//! Commands that come again: recognised by the ids of their events, which follow from the key.

use tradewind_events::{Appended, Direction, Position, Recorded, Revision, StreamId};

use super::{Acknowledged, CommandError, Commands, LoadError};
use crate::CommandContext;
use crate::context::FINGERPRINT;

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
            let read = self.inner.loader.store.read_stream(stream, from, Direction::Backward, 256).await;
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
        let page = self.inner.loader.store.read(before, &tradewind_events::Query::all(), 1).await;
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
