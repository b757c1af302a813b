//! One recorded event as a CloudEvent, written and read without a tree of values in between.
//!
//! [`tradewind_events::CloudEvent`] is the same format as a type; this is the fast way for pages and replays.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tradewind_events::{EventId, Metadata, Position, Recorded, RecordedParts, Revision, StreamId, Timestamp};

use super::text::{Text, write_json, write_plain, write_quoted, write_string};

/// The attributes that the format itself uses, which no metadata extension may hide.
pub const RESERVED: [&str; 22] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "recordedtime",
    "position",
    "revision",
    "tags",
    "schemaversion",
    "correlationid",
    "causationid",
    "actor",
    "traceparent",
    "tracestate",
    "data",
    "data_base64",
    "partitionkey",
    "previous",
];

/// Writes one event as a CloudEvent on one line, without a line end.
pub fn write_event(out: &mut Vec<u8>, event: &Recorded, source: &str) {
    out.reserve(event.data().len() + 384);
    out.extend_from_slice(b"{\"specversion\":\"1.0\",\"id\":");
    write_quoted(out, event.id());
    out.extend_from_slice(b",\"source\":");
    write_string(out, source);
    out.extend_from_slice(b",\"type\":");
    write_string(out, event.event_type());
    out.extend_from_slice(b",\"subject\":");
    write_string(out, event.stream());
    out.extend_from_slice(b",\"time\":");
    write_quoted(out, event.time());
    out.extend_from_slice(b",\"recordedtime\":");
    write_quoted(out, event.recorded_at());
    out.extend_from_slice(b",\"position\":");
    write_plain(out, event.position());
    out.extend_from_slice(b",\"revision\":");
    write_plain(out, event.revision());
    let mut tags = event.tags().peekable();
    if tags.peek().is_some() {
        out.extend_from_slice(b",\"tags\":");
        write_string(out, &tags.collect::<Vec<_>>().join(","));
    }
    if !event.metadata_bytes().is_empty() {
        write_metadata(out, &event.metadata().unwrap_or_default());
    }
    // One event whose writer broke the rule that data is JSON must not make a whole page unreadable.
    if serde_json::from_slice::<IgnoredAny>(event.data()).is_ok() {
        out.extend_from_slice(b",\"datacontenttype\":\"application/json\",\"data\":");
        write_json(out, event.data());
    } else {
        out.extend_from_slice(b",\"datacontenttype\":\"application/octet-stream\",\"data_base64\":\"");
        out.extend_from_slice(BASE64.encode(event.data()).as_bytes());
        out.push(b'"');
    }
    out.push(b'}');
}

/// Writes one event as a message of a broker: the same CloudEvent with two more attributes. `partitionkey` (CloudEvents'
/// own extension) is the stream: what has the same key stays in order. `previous` is the position of the message before
/// it on the same topic, so that its reader knows whether one is missing.
pub fn write_message(out: &mut Vec<u8>, event: &Recorded, source: &str, previous: Position) {
    write_event(out, event, source);
    out.pop();
    out.extend_from_slice(b",\"partitionkey\":");
    write_string(out, event.stream());
    out.extend_from_slice(b",\"previous\":");
    write_plain(out, previous);
    out.push(b'}');
}

fn write_metadata(out: &mut Vec<u8>, metadata: &Metadata) {
    if metadata.schema_version > 0 {
        out.extend_from_slice(b",\"schemaversion\":");
        write_plain(out, metadata.schema_version);
    }
    let mut text = |name: &str, value: &str| {
        out.push(b',');
        write_string(out, name);
        out.push(b':');
        write_string(out, value);
    };
    let known = [
        ("correlationid", &metadata.correlation_id),
        ("causationid", &metadata.causation_id),
        ("actor", &metadata.actor),
        ("traceparent", &metadata.traceparent),
        ("tracestate", &metadata.tracestate),
    ];
    for (name, value) in known {
        if let Some(value) = value {
            text(name, value);
        }
    }
    for (name, value) in &metadata.extensions {
        if !RESERVED.contains(&name.as_str()) {
            text(name, value);
        }
    }
}

/// A recorded event, read from a CloudEvent that has a position and a revision.
#[derive(Debug, Clone)]
pub struct WireEvent(pub Recorded);

/// Reads one CloudEvent.
///
/// # Errors
/// If it is no such JSON, or lacks what a recorded event must have.
pub fn read_event(json: &[u8]) -> Result<Recorded, serde_json::Error> {
    serde_json::from_slice::<WireEvent>(json).map(|event| event.0)
}

/// Reads one message as [`write_message`] writes it: the event, and the position of the message before it.
///
/// # Errors
/// If it is no such JSON, or lacks what it must have.
pub fn read_message(json: &[u8]) -> Result<(Recorded, Position), serde_json::Error> {
    serde_json::from_slice::<WireMessage>(json).map(|message| (message.event, message.previous))
}

struct WireMessage {
    event: Recorded,
    previous: Position,
}

#[derive(Default)]
struct Attributes<'a> {
    id: Option<EventId>,
    event_type: Text<'a>,
    stream: Text<'a>,
    time: Option<Timestamp>,
    recorded_at: Option<Timestamp>,
    position: Option<Position>,
    revision: Option<Revision>,
    tags: Text<'a>,
    metadata: Metadata,
    data: Option<&'a RawValue>,
    data_base64: Option<Text<'a>>,
    previous: Option<Position>,
}

impl<'a> Attributes<'a> {
    fn read<A: MapAccess<'a>>(map: &mut A) -> Result<Self, A::Error> {
        let mut it = Self::default();
        while let Some(key) = map.next_key::<Text<'a>>()? {
            match key.as_str() {
                "id" => it.id = Some(map.next_value()?),
                "type" => it.event_type = map.next_value()?,
                "subject" => it.stream = map.next_value()?,
                "time" => it.time = Some(moment(map)?),
                "recordedtime" => it.recorded_at = Some(moment(map)?),
                "position" => it.position = Some(map.next_value()?),
                "revision" => it.revision = Some(map.next_value()?),
                "tags" => it.tags = map.next_value()?,
                "schemaversion" => it.metadata.schema_version = map.next_value()?,
                "correlationid" => it.metadata.correlation_id = map.next_value()?,
                "causationid" => it.metadata.causation_id = map.next_value()?,
                "actor" => it.metadata.actor = map.next_value()?,
                "traceparent" => it.metadata.traceparent = map.next_value()?,
                "tracestate" => it.metadata.tracestate = map.next_value()?,
                "data" => it.data = Some(map.next_value()?),
                "data_base64" => it.data_base64 = Some(map.next_value()?),
                "previous" => it.previous = Some(map.next_value()?),
                "specversion" => {
                    let version = map.next_value::<Text<'a>>()?;
                    if version.as_str() != "1.0" {
                        return Err(A::Error::custom("specversion is not \"1.0\""));
                    }
                }
                "source" | "datacontenttype" | "dataschema" | "partitionkey" => {
                    map.next_value::<IgnoredAny>()?;
                }
                // Another attribute: kept if it is text, as our own extensions are.
                other => {
                    let value = map.next_value::<&'a RawValue>()?;
                    if let Ok(text) = serde_json::from_str::<String>(value.get()) {
                        it.metadata.extensions.insert(other.to_owned(), text);
                    }
                }
            }
        }
        Ok(it)
    }

    fn assemble<E: Error>(self) -> Result<Recorded, E> {
        // The id and the names are a stranger's until they are checked.
        StreamId::new(self.stream.as_str()).map_err(E::custom)?;
        if self.event_type.as_str().is_empty() {
            return Err(E::missing_field("type"));
        }
        let time = self.time.ok_or_else(|| E::missing_field("time"))?;
        let decoded = match (&self.data, &self.data_base64) {
            (None, Some(text)) => BASE64.decode(text.as_str()).map_err(E::custom)?,
            _ => Vec::new(),
        };
        let data = match self.data {
            Some(json) => json.get().as_bytes(),
            None if self.data_base64.is_some() => &decoded,
            None => b"null",
        };
        let metadata = self.metadata.encode();
        let stream = self.stream.as_str().as_bytes();
        let event_type = self.event_type.as_str().as_bytes();
        let tags = self.tags.as_str().as_bytes();
        let mut block = Vec::with_capacity(stream.len() + event_type.len() + tags.len() + metadata.len() + data.len());
        let mut put = |bytes: &[u8]| {
            let start = block.len() as u32;
            block.extend_from_slice(bytes);
            start..block.len() as u32
        };
        let (stream, event_type, tags) = (put(stream), put(event_type), put(tags));
        let (metadata, data) = (put(&metadata), put(data));
        Recorded::from_parts(RecordedParts {
            position: self.position.ok_or_else(|| E::missing_field("position"))?,
            revision: self.revision.ok_or_else(|| E::missing_field("revision"))?,
            id: self.id.ok_or_else(|| E::missing_field("id"))?,
            time,
            recorded_at: self.recorded_at.unwrap_or(time),
            block: block.into(),
            stream,
            event_type,
            tags,
            metadata,
            data,
        })
        .ok_or_else(|| E::custom("an event that does not hold together"))
    }
}

fn moment<'a, A: MapAccess<'a>>(map: &mut A) -> Result<Timestamp, A::Error> {
    map.next_value::<Text<'a>>()?.as_str().parse().map_err(A::Error::custom)
}

struct AttributesVisitor;

impl<'de> Visitor<'de> for AttributesVisitor {
    type Value = Attributes<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudEvent")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        Attributes::read(&mut map)
    }
}

impl<'de> Deserialize<'de> for WireEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AttributesVisitor)?.assemble().map(WireEvent)
    }
}

impl<'de> Deserialize<'de> for WireMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let attributes = deserializer.deserialize_map(AttributesVisitor)?;
        let previous = attributes.previous.ok_or_else(|| D::Error::missing_field("previous"))?;
        Ok(Self { event: attributes.assemble()?, previous })
    }
}
