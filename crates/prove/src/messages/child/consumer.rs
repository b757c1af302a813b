//! A follower: what it has of an event is recorded together with how far it is, in one append to a log of its own. That
//! append expects the stream as it was, so that what an earlier self had still on its way when it was killed is noticed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::task::JoinSet;
use tradewind_broker::{BrokeredMetrics, BrokeredOptions, BrokeredSource, Topic};
use tradewind_events::{
    Append, AppendError, Clock as _, Direction, Event, EventId, EventSource, EventStore, EventType, ExpectedRevision,
    Position, Query, ReadError, Recorded, Revision, StreamId, SystemClock,
};

use super::{Flaw, Follow, Problem, effects_of, open_broker, open_options};
use crate::messages::check::Entry;

/// What a follower is called among a service's.
const FOLLOWER: &str = "effects";
/// The most effects in one append.
const EFFECTS_MAX: usize = 1_000;
const PAUSE: Duration = Duration::from_millis(50);

/// Follows everything that it is to follow.
pub(super) async fn run(
    store: Arc<dyn EventStore>,
    name: &str,
    follows: Vec<Follow>,
    flaw: Flaw,
) -> Result<(), Problem> {
    let mut following = JoinSet::new();
    for follow in follows {
        let feed = tradewind_store::open(&follow.feed, open_options()).await?;
        let source: Arc<dyn EventSource> = match &follow.broker {
            None => feed,
            Some(url) => {
                let (broker, topic) =
                    (open_broker(url, &format!("tradewind prove: {name}"))?, Topic::new(&follow.topic)?);
                let options = BrokeredOptions { pause_max: super::PAUSE_MAX, ..BrokeredOptions::default() };
                Arc::new(BrokeredSource::new(feed, broker, topic, name, options, BrokeredMetrics::default()))
            }
        };
        let stream = StreamId::new(effects_of(&follow.topic))?;
        following.spawn(Following { store: Arc::clone(&store), source, stream, flaw }.run());
    }
    while let Some(ended) = following.join_next().await {
        ended??;
    }
    Ok(())
}

struct Following {
    store: Arc<dyn EventStore>,
    source: Arc<dyn EventSource>,
    stream: StreamId,
    flaw: Flaw,
}

/// How far a follower is, and how many effects it has.
#[derive(Clone, Copy)]
struct Place {
    through: Position,
    revision: Option<Revision>,
}

/// Why it begins again from what is recorded.
enum Ended {
    /// The source or the store is away, or an earlier self has recorded something.
    Again,
    Failed(Problem),
}

impl Following {
    async fn run(self) -> Result<(), Problem> {
        loop {
            match self.follow().await {
                Ended::Again => tokio::time::sleep(PAUSE).await,
                Ended::Failed(problem) => return Err(problem),
            }
        }
    }

    async fn follow(&self) -> Ended {
        let mut place = match self.place().await {
            Ok(place) => place,
            Err(ReadError::Unavailable(_) | ReadError::Timeout) => return Ended::Again,
            Err(other) => return Ended::Failed(other.into()),
        };
        let Ok(mut deliveries) = self.source.follow(FOLLOWER, place.through, Query::all()).await else {
            return Ended::Again;
        };
        while let Some(Ok(delivery)) = deliveries.next().await {
            for events in delivery.events.chunks(EFFECTS_MAX) {
                place = match self.record(place, events).await {
                    Ok(place) => place,
                    Err(ended) => return ended,
                };
            }
            self.source.handled(FOLLOWER, place.through);
        }
        Ended::Again
    }

    async fn place(&self) -> Result<Place, ReadError> {
        let newest = self.store.read_stream(&self.stream, Revision::END, Direction::Backward, 1).await?;
        let Some(last) = newest.events.first() else { return Ok(Place { through: Position::START, revision: None }) };
        let effect: Entry = last.parse().map_err(|error| ReadError::Invalid(error.to_string()))?;
        Ok(Place { through: Position(effect.position), revision: Some(last.revision()) })
    }

    async fn record(&self, place: Place, events: &[Recorded]) -> Result<Place, Ended> {
        let effects: Result<Vec<Event>, Problem> = events.iter().map(effect).collect();
        let expected = ExpectedRevision::seen(place.revision);
        let effects = self.flaw.of(effects.map_err(Ended::Failed)?);
        let append = Append::to(self.stream.clone(), expected, effects);
        loop {
            match self.store.append(append.clone()).await {
                Ok(appended) => {
                    let through = events.last().map_or(place.through, Recorded::position);
                    return Ok(Place { through, revision: appended.revisions[0] });
                }
                Err(AppendError::OutcomeUnknown(_) | AppendError::Unavailable(_) | AppendError::Timeout) => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(AppendError::WrongRevision { .. }) => return Err(Ended::Again),
                Err(other) => return Err(Ended::Failed(other.into())),
            }
        }
    }
}

impl Flaw {
    /// The last effect is the checkpoint, so it stays.
    fn of(self, mut effects: Vec<Event>) -> Vec<Event> {
        let last = effects.len().saturating_sub(1);
        match self {
            Self::None => {}
            Self::Forgets if last > 0 => drop(effects.remove(0)),
            Self::Repeats => {
                let again = effects[0].data.clone();
                effects.insert(0, Event { id: EventId::new(), data: again, ..effects[0].clone() });
            }
            Self::Forgets => {}
            Self::Swaps => effects[..last].reverse(),
        }
        effects
    }
}

/// All that there is of the event, which is its whole effect, and the checkpoint as well. Its id is its own, and not the event's: that an event has two effects must not be hidden.
fn effect(event: &Recorded) -> Result<Event, Problem> {
    Ok(Event::new(EventType::new("Effect")?, SystemClock.now(), &Entry::of(event))?)
}
