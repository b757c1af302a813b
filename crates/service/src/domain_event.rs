//! What happened, as a context's own types: the events of one kind of entity, and how they become JSON.

use std::fmt::Display;

use tradewind_events::{Recorded, Tag};

/// The events of one kind of entity, as an enum with one variant for each event type. The macro
/// [`events!`](crate::events) implements it.
pub trait DomainEvent: Sized + Send + Sync + 'static {
    /// The event type's name, as it is stored.
    fn event_type(&self) -> &'static str;

    /// The payload's JSON, without the name of its type.
    ///
    /// # Errors
    /// If the payload cannot be written as JSON.
    fn encode(&self) -> Result<Vec<u8>, serde_json::Error>;

    /// Reads a payload; `None` is an event type that this version of the code does not know, and which it
    /// therefore passes over.
    ///
    /// # Errors
    /// If the type is known and the JSON is not what it expects.
    fn decode(event_type: &str, data: &[u8]) -> Result<Option<Self>, serde_json::Error>;

    /// By what else the event can be found: see [`tag`].
    fn tags(&self) -> Vec<Tag>;

    /// The version of the payload's shape, for [`Upcasters`](crate::Upcasters). 0 and 1 both mean the first.
    fn schema_version(&self) -> u16 {
        0
    }
}

/// Reads a recorded event as one of a context's own; `None` if it is of a type that `E` does not know.
///
/// # Errors
/// If the type is known and the JSON is not what it expects.
pub fn decode<E: DomainEvent>(event: &Recorded) -> Result<Option<E>, serde_json::Error> {
    E::decode(event.event_type(), event.data())
}

/// The tag `key:value`. Whatever a tag may not contain (spaces, commas, control characters) is written as `%` and
/// its bytes in hexadecimal, so that any value makes a tag, and different values different ones; one that would be
/// too long is cut and ends in a hash of the whole.
#[must_use]
pub fn tag(key: &str, value: impl Display) -> Tag {
    use std::fmt::Write;
    let mut text = String::with_capacity(key.len() + 40);
    for c in format!("{key}:{value}").chars() {
        if c.is_whitespace() || c.is_control() || c == ',' || c == '%' {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(text, "%{byte:02X}");
            }
        } else {
            text.push(c);
        }
    }
    if text.len() > Tag::BYTES_MAX {
        let hash = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string();
        let mut end = Tag::BYTES_MAX - hash.len() - 1;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('~');
        text.push_str(&hash);
    }
    #[expect(clippy::expect_used, reason = "all that a tag refuses was just replaced")]
    Tag::new(text).expect("an escaped tag is valid")
}

/// Declares the events of one kind of entity: an enum with a variant for each payload type of the same name.
///
/// A payload is a `serde` type. Behind its name may stand, in braces, the `version` of its shape and its `tags`:
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tradewind_service::{events, tag};
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// pub struct OrderCreated { pub customer_id: String }
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// pub struct OrderApproved {}
///
/// events! {
///     /// What can happen to an order.
///     pub enum OrderEvent {
///         OrderCreated { version: 2, tags: |e| vec![tag("customer", &e.customer_id)] },
///         OrderApproved,
///     }
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! events {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$doc:meta])* $event:ident $({ $(version: $version:literal)? $(,)? $(tags: $tags:expr)? $(,)? })?),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, reason = "each variant is documented where its payload is declared")]
        $vis enum $name {
            $($(#[$doc])* $event($event)),*
        }

        $(impl From<$event> for $name {
            fn from(payload: $event) -> Self {
                Self::$event(payload)
            }
        })*

        impl $name {
            /// The names of all event types of this kind of entity.
            pub const TYPES: &'static [&'static str] = &[$(stringify!($event)),*];
        }

        impl $crate::DomainEvent for $name {
            fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$event(_) => stringify!($event)),*
                }
            }

            fn encode(&self) -> ::core::result::Result<::std::vec::Vec<u8>, $crate::json::Error> {
                match self {
                    $(Self::$event(payload) => $crate::json::to_vec(payload)),*
                }
            }

            fn decode(
                event_type: &str,
                data: &[u8],
            ) -> ::core::result::Result<::core::option::Option<Self>, $crate::json::Error> {
                match event_type {
                    $(stringify!($event) => $crate::json::from_slice(data).map(|payload| Some(Self::$event(payload))),)*
                    _ => Ok(None),
                }
            }

            #[allow(unused_mut, unused_variables, unused_assignments, reason = "an event without tags leaves them so")]
            #[allow(clippy::redundant_closure_call, reason = "the closure is what whoever uses the macro wrote")]
            fn tags(&self) -> ::std::vec::Vec<$crate::Tag> {
                match self {
                    $(Self::$event(payload) => {
                        let mut tags: ::std::vec::Vec<$crate::Tag> = ::std::vec::Vec::new();
                        $($({
                            let of: fn(&$event) -> ::std::vec::Vec<$crate::Tag> = $tags;
                            tags = of(payload);
                        })?)?
                        tags
                    })*
                }
            }

            #[allow(unused_mut, unused_assignments, reason = "an event of the first version leaves them so")]
            fn schema_version(&self) -> u16 {
                match self {
                    $(Self::$event(_) => {
                        let mut version = 0;
                        $($(version = $version;)?)?
                        version
                    })*
                }
            }
        }
    };
}
