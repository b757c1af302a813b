//! What is on a topic.

use bytes::Bytes;
use tradewind_events::{ErrorCode, EventId, Position, Recorded};
use tradewind_http::wire::event::{read_message, write_message};

/// An event on its way to a broker.
///
/// It carries the position of the message before it on the same topic. So whoever reads the topic knows for certain,
/// whatever the broker does, whether it is a repeat (its position was passed before), the next one, or whether
/// something in between is missing.
#[derive(Debug, Clone)]
pub struct Message {
    /// Where the event stands in its publisher's log.
    pub position: Position,
    /// The position of the message before it; [`Position::START`] if it is the first.
    pub previous: Position,
    /// The event's identity.
    pub id: EventId,
    /// Its type.
    pub event_type: String,
    /// Its stream: what has the same key stays in order.
    pub key: String,
    /// The trace that it belongs to.
    pub traceparent: Option<String>,
    /// All of it: a CloudEvent in JSON.
    pub json: Bytes,
}

impl Message {
    /// An event as `source` tells it, behind the message at `previous`.
    #[must_use]
    pub fn of(event: &Recorded, source: &str, previous: Position) -> Self {
        let mut json = Vec::new();
        write_message(&mut json, event, source, previous);
        Self {
            position: event.position(),
            previous,
            id: event.id(),
            event_type: event.event_type().to_owned(),
            key: event.stream().to_owned(),
            traceparent: event.metadata().ok().and_then(|metadata| metadata.traceparent),
            json: json.into(),
        }
    }
}

/// By which a consumer tells the broker what it is done with: everything up to and with this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receipt(pub u64);

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The event.
    pub event: Recorded,
    /// The position of the message before it on its topic.
    pub previous: Position,
    /// For the acknowledgement.
    pub receipt: Receipt,
}

impl Delivered {
    /// Reads what a broker delivered. What is not one of our messages is passed over: if it stood in for one that is,
    /// that one is found missing.
    #[must_use]
    pub fn read(json: &[u8], receipt: Receipt) -> Option<Self> {
        match read_message(json) {
            Ok((event, previous)) => Some(Self { event, previous, receipt }),
            Err(error) => {
                let code = ErrorCode::MALFORMED_MESSAGE;
                tracing::error!(%code, %error, bytes = json.len(), "a message on the topic is not one of ours; passing it over");
                None
            }
        }
    }
}
