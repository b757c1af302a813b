//! What is known about an event besides what it says: who and what caused it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The extension that says when an event is to be delivered at the earliest: a time in RFC 3339, in UTC. Reactions and
/// process managers meet the event then; read models and feeds show it at once, since it has happened.
pub const DELIVER_AFTER: &str = "deliverafter";

/// Where an event comes from. All of it is optional; none of it belongs to the event's own meaning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    /// The version of the event's schema; 0 and 1 both mean the first. Upcasters go by it.
    #[serde(skip_serializing_if = "is_zero")]
    pub schema_version: u16,
    /// The conversation that the event belongs to: the same on everything that one request set off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The command or event that directly caused this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// W3C Trace Context, `traceparent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// W3C Trace Context, `tracestate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
    /// Anything else, by name. Names are lower-case letters and digits, as CloudEvents wants them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(version: &u16) -> bool {
    *version == 0
}

impl Metadata {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The bytes as which it is stored: empty if there is nothing in it, else JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        if self.is_empty() { Vec::new() } else { serde_json::to_vec(self).unwrap_or_default() }
    }

    /// Reads what [`Metadata::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are neither empty nor such JSON.
    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        if bytes.is_empty() { Ok(Self::default()) } else { serde_json::from_slice(bytes) }
    }
}
