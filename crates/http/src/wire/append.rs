//! Appends and their answers.
//!
//! ```json
//! {"streams":[{"stream":"order-1","expected":"none","events":[
//!     {"id":"0192f3a1-…","type":"OrderCreated","time":"2017-03-31T10:20:30Z","tags":["product:7"],
//!      "metadata":{"actor":"ann"},"data":{"total_cents":1299}}]}],
//!  "condition":{"failIf":[{"tags":["product:7"]}],"after":7}}
//! {"first":8,"last":8,"revisions":[0],"duplicate":false}
//! ```
//!
//! `expected` is `"any"` (the default), `"none"`, `"exists"` or a revision. An event without an id gets a new one,
//! and with it loses the safety of being repeated; one without a time happened when the server got it. The
//! condition may be left out. A batch is an array of appends, answered by an array of answers or problems.

use std::fmt;

use bytes::Bytes;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tradewind_events::{
    Append, AppendCondition, AppendError, Appended, Event, EventId, EventType, ExpectedRevision, Metadata, Position,
    Revision, StreamAppend, StreamId, Tag, Timestamp,
};

use super::problem::Problem;
use super::text::{Text, write_json, write_plain, write_quoted, write_string};

/// Writes an append.
///
/// # Errors
/// [`AppendError::Invalid`] if the data of an event is not JSON, or the condition cannot be written.
pub fn write_append(out: &mut Vec<u8>, append: &Append) -> Result<(), AppendError> {
    out.extend_from_slice(b"{\"streams\":[");
    for (index, stream) in append.streams.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_stream(out, stream)?;
    }
    out.push(b']');
    if let Some(condition) = &append.condition {
        out.extend_from_slice(b",\"condition\":");
        serde_json::to_writer(&mut *out, condition).map_err(|error| AppendError::Invalid(error.to_string()))?;
    }
    out.push(b'}');
    Ok(())
}

fn write_stream(out: &mut Vec<u8>, stream: &StreamAppend) -> Result<(), AppendError> {
    out.extend_from_slice(b"{\"stream\":");
    write_string(out, stream.stream.as_str());
    match stream.expected {
        ExpectedRevision::Any => {}
        ExpectedRevision::None => out.extend_from_slice(b",\"expected\":\"none\""),
        ExpectedRevision::Exists => out.extend_from_slice(b",\"expected\":\"exists\""),
        ExpectedRevision::Exactly(revision) => {
            out.extend_from_slice(b",\"expected\":");
            write_plain(out, revision);
        }
    }
    out.extend_from_slice(b",\"events\":[");
    for (index, event) in stream.events.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_event(out, event)?;
    }
    out.extend_from_slice(b"]}");
    Ok(())
}

fn write_event(out: &mut Vec<u8>, event: &Event) -> Result<(), AppendError> {
    // Other appends share the request: what is not JSON would spoil them all.
    if serde_json::from_slice::<IgnoredAny>(&event.data).is_err() {
        return Err(AppendError::Invalid(format!("the data of event {} is not JSON", event.id)));
    }
    out.reserve(event.data.len() + 192);
    out.extend_from_slice(b"{\"id\":");
    write_quoted(out, event.id);
    out.extend_from_slice(b",\"type\":");
    write_string(out, event.event_type.as_str());
    out.extend_from_slice(b",\"time\":");
    write_quoted(out, event.time);
    if !event.tags.is_empty() {
        out.extend_from_slice(b",\"tags\":[");
        for (index, tag) in event.tags.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(out, tag.as_str());
        }
        out.push(b']');
    }
    let metadata = event.metadata.encode();
    if !metadata.is_empty() {
        out.extend_from_slice(b",\"metadata\":");
        out.extend_from_slice(&metadata);
    }
    out.extend_from_slice(b",\"data\":");
    write_json(out, &event.data);
    out.push(b'}');
    Ok(())
}

/// An append as it came in: its texts and data still lie in the request's body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireAppend<'a> {
    #[serde(borrow)]
    streams: Vec<WireStream<'a>>,
    #[serde(default)]
    condition: Option<AppendCondition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireStream<'a> {
    #[serde(borrow)]
    stream: Text<'a>,
    #[serde(default)]
    expected: WireExpected,
    #[serde(default, borrow)]
    events: Vec<WireNewEvent<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireNewEvent<'a> {
    #[serde(default)]
    id: Option<EventId>,
    #[serde(rename = "type", borrow)]
    event_type: Text<'a>,
    #[serde(default, borrow)]
    time: Option<Text<'a>>,
    #[serde(default, borrow)]
    tags: Vec<Text<'a>>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
}

impl WireAppend<'_> {
    /// The append in it. `body` is the request's body, which the data of the events goes on sharing.
    ///
    /// # Errors
    /// [`AppendError::Invalid`] if a name or a time is refused.
    pub fn into_append(self, body: &Bytes, now: Timestamp) -> Result<Append, AppendError> {
        let invalid = |error: &dyn fmt::Display| AppendError::Invalid(error.to_string());
        let mut streams = Vec::with_capacity(self.streams.len());
        for part in self.streams {
            let mut events = Vec::with_capacity(part.events.len());
            for event in part.events {
                let mut tags = Vec::with_capacity(event.tags.len());
                for tag in &event.tags {
                    tags.push(Tag::new(tag.as_str()).map_err(|error| invalid(&error))?);
                }
                events.push(Event {
                    id: event.id.unwrap_or_default(),
                    event_type: EventType::new(event.event_type.as_str()).map_err(|error| invalid(&error))?,
                    time: match &event.time {
                        Some(text) => text.as_str().parse().map_err(|error| invalid(&error))?,
                        None => now,
                    },
                    tags,
                    metadata: event.metadata,
                    data: event
                        .data
                        .map_or_else(|| Bytes::from_static(b"null"), |json| body.slice_ref(json.get().as_bytes())),
                });
            }
            streams.push(StreamAppend {
                stream: StreamId::new(part.stream.as_str()).map_err(|error| invalid(&error))?,
                expected: part.expected.0,
                events,
            });
        }
        Ok(Append { streams, condition: self.condition })
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct WireExpected(ExpectedRevision);

impl<'de> Deserialize<'de> for WireExpected {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ExpectedVisitor;
        impl Visitor<'_> for ExpectedVisitor {
            type Value = WireExpected;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"any\", \"none\", \"exists\" or a revision")
            }
            fn visit_u64<E: Error>(self, revision: u64) -> Result<WireExpected, E> {
                Ok(WireExpected(ExpectedRevision::Exactly(Revision(revision))))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<WireExpected, E> {
                read_expected(text)
                    .map(WireExpected)
                    .ok_or_else(|| E::unknown_variant(text, &["any", "none", "exists"]))
            }
        }
        deserializer.deserialize_any(ExpectedVisitor)
    }
}

/// What `ExpectedRevision` displays as, read back.
pub(super) fn read_expected(text: &str) -> Option<ExpectedRevision> {
    match text {
        "any" => Some(ExpectedRevision::Any),
        "none" => Some(ExpectedRevision::None),
        "exists" => Some(ExpectedRevision::Exists),
        digits => digits.parse().ok().map(|revision| ExpectedRevision::Exactly(Revision(revision))),
    }
}

/// Writes the answer to an append.
pub fn write_appended(out: &mut Vec<u8>, appended: &Appended) {
    out.extend_from_slice(b"{\"first\":");
    write_plain(out, appended.first);
    out.extend_from_slice(b",\"last\":");
    write_plain(out, appended.last);
    out.extend_from_slice(b",\"revisions\":[");
    for (index, revision) in appended.revisions.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match revision {
            Some(revision) => write_plain(out, revision),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.extend_from_slice(if appended.duplicate { b"],\"duplicate\":true}" } else { b"],\"duplicate\":false}" });
}

/// The answer to an append.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WireAppended {
    first: Position,
    last: Position,
    revisions: Vec<Option<Revision>>,
    duplicate: bool,
}

impl From<WireAppended> for Appended {
    fn from(wire: WireAppended) -> Self {
        Self { first: wire.first, last: wire.last, revisions: wire.revisions, duplicate: wire.duplicate }
    }
}

/// The answers of a batch, read one by one.
///
/// # Errors
/// If it is no such JSON.
pub fn read_batch(json: &[u8]) -> Result<Vec<Result<Appended, AppendError>>, serde_json::Error> {
    struct BatchVisitor;
    impl<'de> Visitor<'de> for BatchVisitor {
        type Value = Vec<Result<Appended, AppendError>>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of answers")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut answers = Vec::new();
            while let Some(raw) = seq.next_element::<&'de RawValue>()? {
                // A problem has no `first`, so that nothing can be taken for the other.
                let answer = match serde_json::from_str::<WireAppended>(raw.get()) {
                    Ok(appended) => Ok(appended.into()),
                    Err(_) => {
                        Err(serde_json::from_str::<Problem>(raw.get()).map_err(A::Error::custom)?.into_append_error())
                    }
                };
                answers.push(answer);
            }
            Ok(answers)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let answers = deserializer.deserialize_seq(BatchVisitor)?;
    deserializer.end()?;
    Ok(answers)
}
