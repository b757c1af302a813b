//! What the contexts of the shop tell each other: integration events, one file for each publisher.
//!
//! These are promises. A published event keeps its name and its fields; a field may be added if readers can do
//! without it, and anything else is a new event beside the old one. `golden/` holds one example of each as it
//! travels, `schemas/` what every one of them keeps to (JSON Schema, draft 2020-12), and the tests fail when one would
//! travel so that a reader breaks. A new contract begins with `{}` as its schema; `UPDATE_GOLDEN=1` writes the true one.
//!
//! A context names this crate and no other context's.

use serde::Serialize;
use serde::de::DeserializeOwned;

pub mod catalog;
pub mod customers;
pub mod inventory;
pub mod invoicing;
pub mod ordering;

/// An event that one context publishes and others read.
pub trait Contract: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its type's name on the wire.
    const TYPE: &'static str;
}

macro_rules! contracts {
    ($($event:ident),* $(,)?) => {
        /// All events that this context publishes: their names, and the JSON Schemas that readers go by.
        pub const TYPES: &[(&str, &str)] = &[$((
            stringify!($event),
            include_str!(concat!("../schemas/", stringify!($event), ".json")),
        )),*];

        $(impl $crate::Contract for $event {
            const TYPE: &'static str = stringify!($event);
        })*

        /// The JSON Schemas of all events that this context publishes, by name.
        #[cfg(feature = "schema")]
        #[must_use]
        pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
            vec![$((stringify!($event), schemars::schema_for!($event))),*]
        }
    };
}
use contracts;
