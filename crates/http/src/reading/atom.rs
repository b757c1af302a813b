//! Atom documents (RFC 4287) with feed paging and archiving (RFC 5005), as text.

use std::fmt::Write as _;

use tradewind_events::{EventId, Position, Recorded, Timestamp};

use crate::url::percent_encoded;
use crate::wire::event::write_event;

/// Which document of a feed it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The one to subscribe to: the newest, unfinished page.
    Newest,
    /// A full page, which never changes again.
    Archive(u64),
}

/// A document to be written.
pub(super) struct Document<'a> {
    pub(super) kind: Kind,
    /// `all`, or a category.
    pub(super) feed: &'a str,
    /// The store's or service's name.
    pub(super) source: &'a str,
    /// When its newest entry was recorded.
    pub(super) updated: Timestamp,
    /// The archive page before it that has entries.
    pub(super) previous: Option<u64>,
    pub(super) events: &'a [Recorded],
}

impl Document<'_> {
    /// The whole document. References are relative, so that they hold under any prefix.
    pub(super) fn write(&self) -> String {
        let mut out = String::with_capacity(1_024 + self.events.len() * 1_024);
        out.push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        out.push_str("<feed xmlns=\"http://www.w3.org/2005/Atom\"");
        if let Kind::Archive(_) = self.kind {
            out.push_str(" xmlns:fh=\"http://purl.org/syndication/history/1.0\"");
        }
        out.push_str(">\n");
        // One identity for all documents of a feed, which depends on nothing but what it tells.
        let id = EventId::derived(&format!("{} {}", self.source, self.feed), 0);
        element(&mut out, " ", "id", &format!("urn:uuid:{id}"));
        element(&mut out, " ", "title", &format!("Events: {} of {}", self.feed, self.source));
        element(&mut out, " ", "updated", &self.updated.to_string());
        out.push_str(" <author><name>Tradewind</name></author>\n");
        self.write_links(&mut out);
        for event in self.events {
            write_entry(&mut out, event, self.source);
        }
        out.push_str("</feed>\n");
        out
    }

    fn write_links(&self, out: &mut String) {
        let feed = percent_encoded(self.feed);
        // The newest page lies one level above its archives.
        let archives = match self.kind {
            Kind::Newest => {
                link(out, "self", &feed);
                format!("{feed}/")
            }
            Kind::Archive(page) => {
                out.push_str(" <fh:archive/>\n");
                link(out, "self", &page.to_string());
                link(out, "current", &format!("../{feed}"));
                String::new()
            }
        };
        if let Some(page) = self.previous {
            link(out, "prev-archive", &format!("{archives}{page}"));
        }
    }
}

fn write_entry(out: &mut String, event: &Recorded, source: &str) {
    out.push_str(" <entry>\n");
    element(out, "  ", "id", &format!("urn:uuid:{}", event.id()));
    element(out, "  ", "title", &format!("{} {}", event.event_type(), event.stream()));
    element(out, "  ", "published", &event.recorded_at().to_string());
    element(out, "  ", "updated", &event.recorded_at().to_string());
    out.push_str("  <category term=\"");
    escape(out, event.event_type());
    out.push_str("\"/>\n");
    // RFC 4287, 4.1.3.3: content of a JSON media type would have to be Base64; as text it can be read as it is.
    out.push_str("  <content type=\"text\">");
    let mut json = Vec::new();
    write_event(&mut json, event, source);
    escape_json(out, &String::from_utf8_lossy(&json));
    out.push_str("</content>\n </entry>\n");
}

fn element(out: &mut String, indent: &str, name: &str, text: &str) {
    let _ = write!(out, "{indent}<{name}>");
    escape(out, text);
    let _ = writeln!(out, "</{name}>");
}

fn link(out: &mut String, relation: &str, reference: &str) {
    let _ = write!(out, " <link rel=\"{relation}\" type=\"application/atom+xml\" href=\"");
    escape(out, reference);
    out.push_str("\"/>\n");
}

/// Whether XML 1.0 can carry a character at all.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Text for an element or an attribute. What XML cannot carry becomes U+FFFD.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        escape_char(out, if is_xml(c) { c } else { '\u{fffd}' });
    }
}

/// JSON for an element. What XML cannot carry can only stand inside a JSON string, where JSON has an escape for it.
fn escape_json(out: &mut String, json: &str) {
    for c in json.chars() {
        if c == '"' {
            // Nowhere but in attributes a danger, and in JSON every few bytes.
            out.push(c);
        } else if is_xml(c) {
            escape_char(out, c);
        } else {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
    }
}

fn escape_char(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        // A parser would turn a raw one into a line feed.
        '\r' => out.push_str("&#13;"),
        c => out.push(c),
    }
}

/// Which page of a feed holds a position: pages are ranges of positions, so that they need no state and never
/// change, whatever is appended behind them.
pub(super) fn page_of(position: Position) -> u64 {
    position.0.saturating_sub(1) / PAGE_POSITIONS + 1
}

/// How many positions a page spans. Changing it would change pages that clients keep for ever.
pub(super) const PAGE_POSITIONS: u64 = 100;
