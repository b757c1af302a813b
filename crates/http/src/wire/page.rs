//! Pages of everything, parts of one stream, and lone positions.

use serde::{Deserialize, Serialize};
use tradewind_events::{Page, Position, Recorded, Revision, StreamSlice};

use super::event::{WireEvent, write_event};
use super::text::write_plain;

fn write_events(out: &mut Vec<u8>, events: &[Recorded], source: &str) {
    out.extend_from_slice(b"{\"events\":[");
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_event(out, event, source);
    }
    out.push(b']');
}

/// Writes a page.
#[must_use]
pub fn write_page(page: &Page, source: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + page.events.len() * 512);
    write_events(&mut out, &page.events, source);
    out.extend_from_slice(b",\"through\":");
    write_plain(&mut out, page.through);
    out.extend_from_slice(b",\"head\":");
    write_plain(&mut out, page.head);
    out.push(b'}');
    out
}

/// Reads what [`write_page`] wrote.
///
/// # Errors
/// If it is no such JSON.
pub fn read_page(json: &[u8]) -> Result<Page, serde_json::Error> {
    #[derive(Deserialize)]
    struct WirePage {
        events: Vec<WireEvent>,
        through: Position,
        head: Position,
    }
    let WirePage { events, through, head } = serde_json::from_slice(json)?;
    Ok(Page { events: events.into_iter().map(|event| event.0).collect(), through, head })
}

/// Writes a part of one stream.
#[must_use]
pub fn write_slice(slice: &StreamSlice, source: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + slice.events.len() * 512);
    write_events(&mut out, &slice.events, source);
    out.extend_from_slice(b",\"last\":");
    match slice.last {
        Some(revision) => write_plain(&mut out, revision),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"first\":");
    write_plain(&mut out, slice.first);
    out.extend_from_slice(if slice.end { b",\"end\":true}" } else { b",\"end\":false}" });
    out
}

/// Reads what [`write_slice`] wrote.
///
/// # Errors
/// If it is no such JSON.
pub fn read_slice(json: &[u8]) -> Result<StreamSlice, serde_json::Error> {
    #[derive(Deserialize)]
    struct WireSlice {
        events: Vec<WireEvent>,
        last: Option<Revision>,
        first: Revision,
        end: bool,
    }
    let WireSlice { events, last, first, end } = serde_json::from_slice(json)?;
    Ok(StreamSlice { events: events.into_iter().map(|event| event.0).collect(), last, first, end })
}

/// The answer of `/head` and `/position-at`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct AtPosition {
    /// The position.
    pub position: Position,
}
