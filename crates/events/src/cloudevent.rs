//! Events on the wire: CloudEvents 1.0 in JSON, with Tradewind's own facts as extension attributes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Event, EventId, EventType, Metadata, NameError, Position, Recorded, Revision, StreamId, Tag, Timestamp};

/// An event as CloudEvents 1.0 writes it in its JSON format: the stream is the `subject`; position, revision,
/// tags and metadata are extension attributes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CloudEvent {
    /// Always `1.0`.
    pub specversion: String,
    /// The event's id.
    pub id: String,
    /// Which store or service tells of it: a URI reference.
    #[serde(default)]
    pub source: String,
    /// The event's type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// Always JSON, when it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<String>,
    /// When the store recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recordedtime: Option<Timestamp>,
    /// Where it stands in its store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Where it stands in its stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// Its tags, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// The version of its schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schemaversion: Option<u16>,
    /// The conversation that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlationid: Option<String>,
    /// What caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<String>,
    /// On whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// W3C Trace Context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// W3C Trace Context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<RawValue>>,
    /// Any other extension attribute. Only those that are text are kept.
    #[serde(flatten)]
    pub extensions: BTreeMap<String, serde_json::Value>,
}

/// Why a CloudEvent cannot become an event.
#[derive(Debug, thiserror::Error)]
pub enum CloudEventError {
    /// It is of another version of the specification.
    #[error("specversion is {0:?}, not \"1.0\"")]
    Version(String),
    /// Its data is not JSON, or it has none.
    #[error("datacontenttype {0:?} is not JSON")]
    ContentType(String),
    /// It names no stream.
    #[error("subject, which names the stream, is missing")]
    NoSubject,
    /// Its id is not a UUID.
    #[error("id {0:?} is not a UUID")]
    Id(String),
    /// A name in it is refused.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl CloudEvent {
    /// A recorded event, as `source` tells it.
    #[must_use]
    pub fn of(event: &Recorded, source: &str) -> Self {
        let metadata = event.metadata().unwrap_or_default();
        let tags: Vec<&str> = event.tags().collect();
        let data = std::str::from_utf8(event.data()).ok().map(str::to_owned);
        Self {
            specversion: "1.0".to_owned(),
            id: event.id().to_string(),
            source: source.to_owned(),
            event_type: event.event_type().to_owned(),
            subject: Some(event.stream().to_owned()),
            time: Some(event.time()),
            datacontenttype: Some("application/json".to_owned()),
            recordedtime: Some(event.recorded_at()),
            position: Some(event.position()),
            revision: Some(event.revision()),
            tags: (!tags.is_empty()).then(|| tags.join(",")),
            schemaversion: (metadata.schema_version > 0).then_some(metadata.schema_version),
            correlationid: metadata.correlation_id,
            causationid: metadata.causation_id,
            actor: metadata.actor,
            traceparent: metadata.traceparent,
            tracestate: metadata.tracestate,
            data: data.and_then(|json| RawValue::from_string(json).ok()),
            extensions: metadata.extensions.into_iter().map(|(k, v)| (k, v.into())).collect(),
        }
    }

    /// The event in it, and the stream that it belongs to. An event without a time happened at `now`.
    ///
    /// # Errors
    /// [`CloudEventError`] says what is missing or malformed.
    pub fn into_event(self, now: Timestamp) -> Result<(StreamId, Event), CloudEventError> {
        if self.specversion != "1.0" {
            return Err(CloudEventError::Version(self.specversion));
        }
        if let Some(kind) = &self.datacontenttype {
            let bare = kind.split(';').next().unwrap_or_default().trim();
            if bare != "application/json" && !bare.ends_with("+json") {
                return Err(CloudEventError::ContentType(kind.clone()));
            }
        }
        let stream = StreamId::new(self.subject.ok_or(CloudEventError::NoSubject)?)?;
        let tags = self.tags.as_deref().unwrap_or_default().split(',').filter(|tag| !tag.is_empty());
        let event = Event {
            id: self.id.parse::<EventId>().map_err(|_| CloudEventError::Id(self.id.clone()))?,
            event_type: EventType::new(&self.event_type)?,
            time: self.time.unwrap_or(now),
            tags: tags.map(Tag::new).collect::<Result<_, _>>()?,
            metadata: Metadata {
                schema_version: self.schemaversion.unwrap_or(0),
                correlation_id: self.correlationid,
                causation_id: self.causationid,
                actor: self.actor,
                traceparent: self.traceparent,
                tracestate: self.tracestate,
                extensions: self
                    .extensions
                    .into_iter()
                    .filter_map(|(key, value)| match value {
                        serde_json::Value::String(text) => Some((key, text)),
                        _ => None,
                    })
                    .collect(),
            },
            data: self.data.map_or_else(|| "null".into(), |json| String::from(Box::<str>::from(json)).into()),
        };
        Ok((stream, event))
    }
}
