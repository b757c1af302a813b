//! What goes over the wire, in one place: the server writes it, the client reads it, and a service's feed speaks
//! the reading half of it.
//!
//! One event is a CloudEvent 1.0 in its JSON format ([`event`]), always on one line:
//!
//! ```json
//! {"specversion":"1.0","id":"0192f3a1-…","source":"/orders","type":"OrderCreated","subject":"order-42",
//!  "time":"2017-03-31T10:20:30Z","datacontenttype":"application/json","recordedtime":"2017-03-31T10:20:31Z",
//!  "position":7,"revision":3,"tags":"customer:9,product:7","schemaversion":2,"correlationid":"…",
//!  "causationid":"…","actor":"ann","traceparent":"…","tracestate":"…","data":{"total_cents":1299}}
//! ```
//!
//! Every other metadata extension is an attribute of its own. Data that is not JSON travels as `data_base64`.
//! A page of everything and a part of one stream ([`page`]) are
//!
//! ```json
//! {"events":[…],"through":120,"head":120}
//! {"events":[…],"last":3,"first":0,"end":true}
//! ```
//!
//! where `last` is null if the stream does not exist. A position alone is `{"position":120}`. Live events are
//! server-sent events whose `id` is the position and whose data is the CloudEvent, `event: caught-up` with
//! `{"through":120}` whenever nothing is left behind, and `event: progress` with the same when a filter has passed
//! over everything since the last event ([`live`]). How much was told, and a checksum over it, is in [`digest`]; a page of an
//! Atom archive is read by [`atom`]. An append and its answer are in [`append`]; errors are RFC 9457
//! problems ([`problem`]).

pub mod append;
pub mod atom;
pub mod digest;
pub mod event;
pub mod live;
pub mod page;
pub mod problem;
mod text;

#[cfg(test)]
mod tests;

/// The media type of one CloudEvent in JSON.
pub const CLOUDEVENT_JSON: &str = "application/cloudevents+json";
/// The response header with the position that an answer reflects.
pub const POSITION_HEADER: &str = "tradewind-position";
/// The header of a snapshot's revision.
pub const SNAPSHOT_REVISION_HEADER: &str = "tradewind-snapshot-revision";
/// The header of a snapshot's position.
pub const SNAPSHOT_POSITION_HEADER: &str = "tradewind-snapshot-position";
/// The header of a snapshot's schema.
pub const SNAPSHOT_SCHEMA_HEADER: &str = "tradewind-snapshot-schema";
