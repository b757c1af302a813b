//! What a service tells others: its events, translated into contracts, as a source of their own. The log is the
//! outbox: what is told is what was recorded, at the same positions. `tradewind_http::reading` serves it under `/feed`
//! as it serves any source.

use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use serde::Serialize;
use tradewind_events::{
    DELIVER_AFTER, Delivery, Direction, Event, EventSource, EventStore, EventType, Page, Position, Query, ReadError,
    Recorded, Revision, StreamId, StreamSlice, Subscription, Tag, Timestamp,
};

use crate::Upcasters;

/// The translation of what happens inside a service into what it tells others.
pub trait Publish: Send + Sync + 'static {
    /// Which recorded events it looks at.
    fn query(&self) -> Query;

    /// Which recorded events may become a contract that `wanted` asks for: at least those, at most all that it looks at,
    /// which it is unless this says less. Others are not even read then, so that one customer's events are found by
    /// their tag in a feed of millions, if the contract has that tag from the recorded event.
    fn query_for(&self, wanted: &Query) -> Query {
        let _ = wanted;
        self.query()
    }

    /// What others are told of an event; nothing, if it is nobody else's business.
    ///
    /// # Errors
    /// [`PublishError`] if the event cannot be read or told. The feed then stops before it.
    fn publish(&self, event: &Recorded) -> Result<Option<Contract>, PublishError>;

    /// All contracts that it may tell, for `/asyncapi.json`.
    fn contracts(&self) -> Vec<ContractType> {
        Vec::new()
    }
}

/// One kind of contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContractType {
    /// Its type among the contracts.
    pub event_type: &'static str,
    /// The JSON Schema (draft 2020-12) that its data keeps to.
    pub schema: &'static str,
}

/// An event as others are told it. Position, id, time and metadata are those of the recorded event.
#[derive(Debug, Clone)]
pub struct Contract {
    /// Its type among the contracts.
    pub event_type: EventType,
    /// By what else it can be found.
    pub tags: Vec<Tag>,
    /// The version of its schema; 0 and 1 both mean the first.
    pub schema_version: u16,
    /// What it says, as JSON.
    pub data: Bytes,
    /// When others are to act on it at the earliest; at once, if nothing is said. It is told at once in any case.
    pub deliver_after: Option<Timestamp>,
}

/// Why an event cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It cannot be read, or its contract not written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A name in it is refused.
    #[error(transparent)]
    Name(#[from] tradewind_events::NameError),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Contract {
    /// A contract event.
    ///
    /// # Errors
    /// [`PublishError`] if the name is refused or the data cannot be written as JSON.
    pub fn new(event_type: &str, data: &impl Serialize) -> Result<Self, PublishError> {
        Ok(Self {
            event_type: EventType::new(event_type)?,
            tags: Vec::new(),
            schema_version: 0,
            data: serde_json::to_vec(data)?.into(),
            deliver_after: None,
        })
    }

    /// The same, but reactions and process managers of others are to meet it at `moment` at the earliest.
    #[must_use]
    pub fn deliver_after(mut self, moment: Timestamp) -> Self {
        self.deliver_after = Some(moment);
        self
    }

    /// The same, to be found by these tags.
    #[must_use]
    pub fn tagged(mut self, tags: impl IntoIterator<Item = Tag>) -> Self {
        self.tags.extend(tags);
        self
    }
}

/// A service's published events as a source.
#[derive(Clone)]
pub struct Feed {
    store: Arc<dyn EventStore>,
    publish: Arc<dyn Publish>,
    upcasters: Upcasters,
}

impl Feed {
    /// What `publish` tells of the events of `store`.
    pub fn new(store: Arc<dyn EventStore>, publish: Arc<dyn Publish>, upcasters: Upcasters) -> Self {
        Self { store, publish, upcasters }
    }

    fn translate(&self, event: Recorded, wanted: &Query) -> Result<Option<Recorded>, ReadError> {
        let position = event.position();
        let damaged = |problem: String| ReadError::Damaged { place: format!("position {position}"), problem };
        let event = self.upcasters.upcast(event).map_err(|error| damaged(error.to_string()))?;
        let told = self.publish.publish(&event).map_err(|error| damaged(error.to_string()))?;
        let Some(contract) = told else { return Ok(None) };
        let mut metadata = event.metadata().map_err(|error| damaged(error.to_string()))?;
        metadata.schema_version = contract.schema_version;
        if let Some(moment) = contract.deliver_after {
            metadata.extensions.insert(DELIVER_AFTER.to_owned(), moment.to_string());
        }
        let told = Event {
            id: event.id(),
            event_type: contract.event_type,
            time: event.time(),
            tags: contract.tags,
            metadata,
            data: contract.data,
        };
        let told = Recorded::assemble(event.stream(), &told, position, event.revision(), event.recorded_at());
        Ok(Some(told).filter(|told| wanted.matches(told)))
    }

    /// The translated events and, if one cannot be told, the position before it and why.
    fn translate_all(&self, events: Vec<Recorded>, wanted: &Query) -> (Vec<Recorded>, Option<(Position, ReadError)>) {
        let mut told = Vec::with_capacity(events.len());
        for event in events {
            let before = Position(event.position().0 - 1);
            match self.translate(event, wanted) {
                Ok(translated) => told.extend(translated),
                Err(error) => {
                    tracing::error!(%error, "an event cannot be published; the feed stops before it");
                    return (told, Some((before, error)));
                }
            }
        }
        (told, None)
    }

    /// What a subscriber is told of a delivery, and why not of all of it.
    fn tell(&self, delivery: Delivery, wanted: &Query) -> Vec<Result<Delivery, ReadError>> {
        match self.translate_all(delivery.events, wanted) {
            (events, None) => vec![Ok(Delivery { events, ..delivery })],
            (events, Some((_, error))) if events.is_empty() => vec![Err(error)],
            (events, Some((through, error))) => {
                vec![Ok(Delivery { events, through, caught_up: false }), Err(error)]
            }
        }
    }

    /// Which events are read for somebody who wants these, also if they were recorded under older names.
    fn published(&self, wanted: &Query) -> Query {
        self.upcasters.widen(self.publish.query_for(wanted))
    }
}

impl EventSource for Feed {
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.store.head()
    }

    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        let query = query.clone();
        async move {
            let mut page = self.store.read(after, &self.published(&query), limit).await?;
            let (events, broken) = self.translate_all(std::mem::take(&mut page.events), &query);
            match broken {
                Some((before, error)) if before <= after => return Err(error),
                Some((before, _)) => page.through = before,
                None => {}
            }
            Ok(Page { events, ..page })
        }
        .boxed()
    }

    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        async move {
            let deliveries = self.store.subscribe(after, self.published(&query)).await?;
            let feed = self.clone();
            let told = deliveries.flat_map(move |delivery| {
                let told = match delivery {
                    Ok(delivery) => feed.tell(delivery, &query),
                    Err(error) => vec![Err(error)],
                };
                // An error is the last that is told: who went on behind it would have passed over what it is about.
                let end = told.last().is_some_and(Result::is_err).then_some(None);
                stream::iter(told.into_iter().map(Some).chain(end))
            });
            let until_broken = told.take_while(|told| ready(told.is_some())).filter_map(ready);
            Ok(Box::pin(until_broken) as Subscription)
        }
        .boxed()
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        let stream = stream.clone();
        async move {
            let mut slice = self.store.read_stream(&stream, from, direction, limit).await?;
            let wanted = self.published(&Query::all());
            slice.events.retain(|event| wanted.matches(event));
            let (events, broken) = self.translate_all(slice.events, &Query::all());
            match broken {
                Some((_, error)) => Err(error),
                None => Ok(StreamSlice { events, ..slice }),
            }
        }
        .boxed()
    }

    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.store.position_at(moment)
    }
}
