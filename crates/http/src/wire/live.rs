//! Live events: server-sent events (WHATWG HTML, section 9.2), written and read.
//!
//! ```text
//! id: 7
//! data: {"specversion":"1.0",…}
//!
//! id: 9
//! event: caught-up
//! data: {"through":9}
//! ```
//!
//! The `id` is a position, so that a client that reconnects with `Last-Event-ID` goes on behind it.

use serde::{Deserialize, Serialize};
use tradewind_events::{Delivery, Position, ReadError};

use super::event::write_event;
use super::problem::Problem;
use super::text::write_plain;

/// The message that tells that nothing is left behind.
pub const CAUGHT_UP: &str = "caught-up";
/// The message that tells how far a filter has come without a match.
pub const PROGRESS: &str = "progress";
/// The message that tells why the stream ends: an RFC 9457 problem.
pub const FAILED: &str = "problem";
/// A comment, which keeps the connection from being taken for dead.
pub const HEARTBEAT: &[u8] = b":\n\n";

/// The data of [`CAUGHT_UP`] and [`PROGRESS`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Through {
    /// Up to where the subscriber now has everything.
    pub through: Position,
}

/// Writes a delivery.
pub fn write_delivery(out: &mut Vec<u8>, delivery: &Delivery, source: &str) {
    for event in &delivery.events {
        out.extend_from_slice(b"id: ");
        write_plain(out, event.position());
        out.extend_from_slice(b"\ndata: ");
        write_event(out, event, source);
        out.extend_from_slice(b"\n\n");
    }
    let told = delivery.events.last().map_or(Position::START, |event| event.position());
    if delivery.caught_up {
        write_mark(out, CAUGHT_UP, delivery.through);
    } else if delivery.through > told {
        write_mark(out, PROGRESS, delivery.through);
    }
}

fn write_mark(out: &mut Vec<u8>, name: &str, through: Position) {
    out.extend_from_slice(b"id: ");
    write_plain(out, through);
    out.extend_from_slice(b"\nevent: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: {\"through\":");
    write_plain(out, through);
    out.extend_from_slice(b"}\n\n");
}

/// Writes why the stream ends.
pub fn write_failure(out: &mut Vec<u8>, error: &ReadError) {
    out.extend_from_slice(b"event: problem\ndata: ");
    if serde_json::to_writer(&mut *out, &Problem::from(error)).is_err() {
        out.extend_from_slice(b"{}");
    }
    out.extend_from_slice(b"\n\n");
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Its name; empty for a plain message.
    pub event: String,
    /// Its data.
    pub data: Vec<u8>,
}

/// Cuts a stream of bytes into server-sent events, wherever its chunks end.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    after_return: bool,
    message: Message,
    has_data: bool,
}

impl Parser {
    /// The most bytes of one event; a server that sends more is not one of ours.
    pub const BYTES_MAX: usize = 64 << 20;

    /// Takes the next bytes and adds the events that they complete to `messages`.
    ///
    /// # Errors
    /// If an event is larger than [`Parser::BYTES_MAX`].
    pub fn push(&mut self, mut bytes: &[u8], messages: &mut Vec<Message>) -> Result<(), TooLarge> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_return) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                self.grow(bytes)?;
                break;
            };
            self.grow(&bytes[..end])?;
            self.after_return = bytes[end] == b'\r';
            self.end_line(messages);
            bytes = &bytes[end + 1..];
        }
        Ok(())
    }

    fn grow(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        if self.line.len() + self.message.data.len() + bytes.len() > Self::BYTES_MAX {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, messages: &mut Vec<Message>) {
        if self.line.is_empty() {
            let message = std::mem::take(&mut self.message);
            if std::mem::take(&mut self.has_data) {
                messages.push(message);
            }
            return;
        }
        let (name, value) = match self.line.iter().position(|b| *b == b':') {
            Some(colon) => {
                let value = &self.line[colon + 1..];
                (&self.line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (&self.line[..], &b""[..]),
        };
        match name {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.message.data.push(b'\n');
                }
                self.message.data.extend_from_slice(value);
            }
            b"event" => self.message.event = String::from_utf8_lossy(value).into_owned(),
            // Comments, ids (the data tells positions too) and whatever is yet to be invented.
            _ => {}
        }
        self.line.clear();
    }
}

/// An event was larger than [`Parser::BYTES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a live event is larger than {} MiB", Parser::BYTES_MAX >> 20)]
pub struct TooLarge;
