//! An engine as a client: the `http:` one, or another.

use std::sync::Arc;

use tradewind_events::{
    Append, Event, EventId, EventStore, EventType, ExpectedRevision, Metadata, NameError, Revision, StreamId, Timestamp,
};
use tradewind_store::{ClientOptions, HttpStore, OpenError};
use uuid::Uuid;

use crate::measure::{Client, Fresh};

/// A client of a store.
#[derive(Clone)]
pub struct OurClient(Arc<dyn EventStore>);

impl OurClient {
    /// A client of an opened store.
    pub fn new(store: impl EventStore) -> Self {
        Self(Arc::new(store))
    }

    /// Clients with a connection each.
    ///
    /// # Errors
    /// [`OpenError`] if the URL is none.
    pub fn apart(url: &str, count: usize) -> Result<Vec<Self>, OpenError> {
        (0..count).map(|_| HttpStore::new(url, ClientOptions::default()).map(Self::new)).collect()
    }

    /// Clients that share one store, as the tasks of a service do.
    ///
    /// # Errors
    /// [`OpenError`] if the URL is none.
    pub fn sharing(url: &str, count: usize) -> Result<Vec<Self>, OpenError> {
        let one = Self::new(HttpStore::new(url, ClientOptions::default())?);
        Ok(vec![one; count])
    }
}

/// The append that work asks for.
fn append_of(event: &Fresh<'_>) -> Result<Append, NameError> {
    let expected = event.last.map_or(ExpectedRevision::None, |last| ExpectedRevision::Exactly(Revision(last)));
    let new = Event {
        id: EventId(Uuid::from_u128(event.id)),
        event_type: EventType::new(event.kind)?,
        time: Timestamp::from_micros(event.time),
        tags: Vec::new(),
        metadata: Metadata::default(),
        data: event.data.to_vec().into(),
    };
    Ok(Append::to(StreamId::new(event.stream)?, expected, vec![new]))
}

impl Client for OurClient {
    async fn append(&mut self, event: &Fresh<'_>) -> Result<(), String> {
        let append = append_of(event).map_err(|error| error.to_string())?;
        let appended = self.0.append(append).await.map_err(|error| error.to_string())?;
        if appended.duplicate { Err("it was there already".to_owned()) } else { Ok(()) }
    }
}
