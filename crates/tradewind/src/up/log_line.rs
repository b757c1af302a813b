//! A service's log line for a person: services that write JSON when they are not on a terminal are read back.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A line as the `tracing` JSON format has it.
#[derive(Deserialize)]
struct Structured {
    level: String,
    #[serde(default)]
    fields: Map<String, Value>,
}

/// The level, the message, and the other fields as `key=value`; any other line as it is, without what could
/// steer the terminal.
pub(crate) fn readable(text: &str) -> String {
    let structured = if text.starts_with('{') { serde_json::from_str::<Structured>(text).ok() } else { None };
    let Some(Structured { level, mut fields }) = structured else { return harmless(text) };
    let message = fields.remove("message").map(plain).unwrap_or_default();
    let mut line = format!("{level:>5} {message}");
    for (key, value) in fields {
        // Writing to a string does not fail.
        let _ = write!(line, " {key}={}", plain(value));
    }
    harmless(&line)
}

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
