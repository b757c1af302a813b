//! A service's log line for a person: services that write JSON when they are not on a terminal are read back.

use std::fmt::Write;

use serde_json::{Map, Value};

/// What the time and the place of a line are called; the screen tells when, and who.
const LEFT_OUT: [&str; 6] = ["timestamp", "time", "target", "service", "span", "spans"];

/// The level, the message, and the other fields as `key=value`; any other line as it is, without what could
/// steer the terminal.
pub(crate) fn readable(text: &str) -> String {
    match structured(text) {
        Some(line) => harmless(&line),
        None => harmless(text),
    }
}

/// A line as the JSON format of `tracing` has it, with its fields beside the level or in an object of their own.
fn structured(text: &str) -> Option<String> {
    let mut fields: Map<String, Value> = text.starts_with('{').then(|| serde_json::from_str(text).ok())??;
    let level = fields.remove("level")?;
    if let Some(Value::Object(inner)) = fields.remove("fields") {
        fields.extend(inner);
    }
    let message = fields.remove("message").map(plain).unwrap_or_default();
    let mut line = format!("{:>5} {message}", plain(level));
    for (key, value) in fields.into_iter().filter(|(key, _)| !LEFT_OUT.contains(&key.as_str())) {
        // Writing to a string does not fail.
        let _ = write!(line, " {key}={}", plain(value));
    }
    Some(line)
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

#[cfg(test)]
mod tests;
