//! An event before and after it is recorded.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{EventId, EventType, Metadata, Position, Revision, StreamId, Tag, Timestamp};

/// An event that is to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its identity. Repeating it makes an append idempotent.
    pub id: EventId,
    /// What kind of thing happened.
    pub event_type: EventType,
    /// When it happened, by the writer's clock.
    pub time: Timestamp,
    /// By what else it can be found.
    pub tags: Vec<Tag>,
    /// Where it comes from.
    pub metadata: Metadata,
    /// What happened: JSON in UTF-8.
    pub data: Bytes,
}

impl Event {
    /// An event with a new id, no tags and no metadata.
    ///
    /// # Errors
    /// If `data` cannot be written as JSON.
    pub fn new(event_type: EventType, time: Timestamp, data: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self {
            id: EventId::new(),
            event_type,
            time,
            tags: Vec::new(),
            metadata: Metadata::default(),
            data: serde_json::to_vec(data)?.into(),
        })
    }
}

/// An event as the store keeps it. It is one reference-counted block of bytes with marks in it: cheap to clone,
/// and nothing is parsed before it is asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Recorded {
    position: Position,
    revision: Revision,
    id: EventId,
    time: Timestamp,
    recorded_at: Timestamp,
    block: Bytes,
    stream: Range<u32>,
    event_type: Range<u32>,
    tags: Range<u32>,
    metadata: Range<u32>,
    data: Range<u32>,
}

/// What an engine hands over to make a [`Recorded`]: the numbers, and where in `block` the texts lie.
#[derive(Debug, Clone)]
pub struct RecordedParts {
    /// Where the event stands in the store.
    pub position: Position,
    /// Where it stands in its stream.
    pub revision: Revision,
    /// Its identity.
    pub id: EventId,
    /// When it happened, by its writer's clock.
    pub time: Timestamp,
    /// When the store recorded it, by the store's clock.
    pub recorded_at: Timestamp,
    /// The bytes that the ranges below point into.
    pub block: Bytes,
    /// The stream's name.
    pub stream: Range<u32>,
    /// The event type's name.
    pub event_type: Range<u32>,
    /// The tags, separated by commas; may be empty.
    pub tags: Range<u32>,
    /// The metadata as [`Metadata::encode`] wrote it; may be empty.
    pub metadata: Range<u32>,
    /// The event's own JSON.
    pub data: Range<u32>,
}

fn slice<'a>(block: &'a [u8], range: &Range<u32>) -> &'a [u8] {
    &block[range.start as usize..range.end as usize]
}

impl Recorded {
    /// Takes over what an engine read; `None` if a range lies outside the block or a name is not UTF-8.
    #[must_use]
    pub fn from_parts(parts: RecordedParts) -> Option<Self> {
        let RecordedParts {
            position,
            revision,
            id,
            time,
            recorded_at,
            block,
            stream,
            event_type,
            tags,
            metadata,
            data,
        } = parts;
        for range in [&stream, &event_type, &tags, &metadata, &data] {
            block.get(range.start as usize..range.end as usize)?;
        }
        for range in [&stream, &event_type, &tags] {
            std::str::from_utf8(slice(&block, range)).ok()?;
        }
        Some(Self { position, revision, id, time, recorded_at, block, stream, event_type, tags, metadata, data })
    }

    /// Builds one from an event and the place that it got: for engines that do not keep blocks.
    #[must_use]
    pub fn assemble(
        stream: &str,
        event: &Event,
        position: Position,
        revision: Revision,
        recorded_at: Timestamp,
    ) -> Self {
        let mut block = Vec::with_capacity(stream.len() + event.data.len() + 64);
        let mut put = |bytes: &[u8]| {
            let start = block.len() as u32;
            block.extend_from_slice(bytes);
            start..block.len() as u32
        };
        let stream = put(stream.as_bytes());
        let event_type = put(event.event_type.as_str().as_bytes());
        let tags = put(event.tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(",").as_bytes());
        let metadata = put(&event.metadata.encode());
        let data = put(&event.data);
        Self {
            position,
            revision,
            id: event.id,
            time: event.time,
            recorded_at,
            block: block.into(),
            stream,
            event_type,
            tags,
            metadata,
            data,
        }
    }

    fn text(&self, range: &Range<u32>) -> &str {
        // Checked when it was made; an empty answer is unreachable.
        std::str::from_utf8(slice(&self.block, range)).unwrap_or_default()
    }

    /// Where the event stands in the store.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Where it stands in its stream.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.id
    }

    /// When it happened, by its writer's clock.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// When the store recorded it, by the store's clock.
    #[must_use]
    pub fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }

    /// The stream's full name.
    #[must_use]
    pub fn stream(&self) -> &str {
        self.text(&self.stream)
    }

    /// The stream's category.
    #[must_use]
    pub fn category(&self) -> &str {
        let name = self.stream();
        &name[..StreamId::category_bytes(name)]
    }

    /// The stream's name without its category and dash.
    #[must_use]
    pub fn entity_id(&self) -> &str {
        let name = self.stream();
        name.get(StreamId::category_bytes(name) + 1..).unwrap_or_default()
    }

    /// What kind of thing happened.
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.text(&self.event_type)
    }

    /// The tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.text(&self.tags).split(',').filter(|tag| !tag.is_empty())
    }

    /// The tags as they are stored, separated by commas.
    #[must_use]
    pub fn tags_text(&self) -> &str {
        self.text(&self.tags)
    }

    /// The metadata, parsed.
    ///
    /// # Errors
    /// If the stored metadata is not what Tradewind writes.
    pub fn metadata(&self) -> Result<Metadata, serde_json::Error> {
        Metadata::decode(slice(&self.block, &self.metadata))
    }

    /// The metadata as it is stored.
    #[must_use]
    pub fn metadata_bytes(&self) -> &[u8] {
        slice(&self.block, &self.metadata)
    }

    /// The event's JSON.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        slice(&self.block, &self.data)
    }

    /// The event's JSON, sharing the block.
    #[must_use]
    pub fn data_bytes(&self) -> Bytes {
        self.block.slice(self.data.start as usize..self.data.end as usize)
    }

    /// The event's JSON, parsed.
    ///
    /// # Errors
    /// If it is not what `T` expects.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(self.data())
    }

    /// The event as it was before it was recorded, for appending it elsewhere; `None` if a name in it is one that
    /// today's rules refuse.
    #[must_use]
    pub fn to_event(&self) -> Option<Event> {
        Some(Event {
            id: self.id,
            event_type: EventType::new(self.event_type()).ok()?,
            time: self.time,
            tags: self.tags().map(Tag::new).collect::<Result<_, _>>().ok()?,
            metadata: self.metadata().ok()?,
            data: self.data_bytes(),
        })
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}@{} {}#{} {}",
            self.event_type(),
            self.position,
            self.stream(),
            self.revision,
            String::from_utf8_lossy(self.data())
        )
    }
}
