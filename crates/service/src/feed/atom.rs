//! A feed as Atom (RFC 4287) with archived pages (RFC 5005), for readers that know nothing of Tradewind. Page `n`
//! holds the events of the positions `100 n - 99` to `100 n`; once the service has come past them it never changes.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tradewind_events::{CloudEvent, ErrorCode, EventSource, Position, Query, ReadError, Recorded, Timestamp};
use uuid::Uuid;

use super::http::FeedRoutes;
use crate::Problem;

/// Changing it would change pages that readers keep for ever.
const PAGE_POSITIONS: u64 = 100;

pub(super) async fn newest(
    State(feed): State<Arc<FeedRoutes>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let full_pages = feed.source.head().await?.0 / PAGE_POSITIONS;
    let events = events_of(&*feed.source, &name, full_pages + 1).await?;
    let previous = (full_pages > 0).then(|| format!("{name}/{full_pages}"));
    let document = document(&feed.name, &name, &events, previous.as_deref(), None);
    Ok(answer(&headers, document, "no-cache"))
}

pub(super) async fn archived(
    State(feed): State<Arc<FeedRoutes>>,
    Path((name, page)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let full_pages = feed.source.head().await?.0 / PAGE_POSITIONS;
    let Some(page) = page.parse().ok().filter(|page| (1..=full_pages).contains(page)) else {
        return Err(Problem::new(ErrorCode::NOT_FOUND, format!("{name} has no archived page {page}")));
    };
    let events = events_of(&*feed.source, &name, page).await?;
    let previous = (page > 1).then(|| (page - 1).to_string());
    let current = format!("../{name}");
    let document = document(&feed.name, &name, &events, previous.as_deref(), Some(&current));
    Ok(answer(&headers, document, "public, max-age=31536000, immutable"))
}

async fn events_of(source: &dyn EventSource, name: &str, page: u64) -> Result<Vec<Recorded>, ReadError> {
    let query = if name == "all" { Query::all() } else { Query::category(name) };
    let (mut after, through) = (Position((page - 1) * PAGE_POSITIONS), Position(page * PAGE_POSITIONS));
    let mut events = Vec::new();
    while after < through {
        let read = source.read(after, &query, PAGE_POSITIONS as usize).await?;
        events.extend(read.events.into_iter().filter(|event| event.position() <= through));
        if read.through <= after {
            break;
        }
        after = read.through;
    }
    Ok(events)
}

fn answer(request: &HeaderMap, document: String, cache: &'static str) -> Response {
    let tag = format!("\"{}\"", Uuid::new_v5(&Uuid::NAMESPACE_URL, document.as_bytes()).simple());
    let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag || one.trim() == "*"));
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, cache.to_owned())];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], document).into_response()
}

/// The whole document, with relative references, so that it holds under any prefix.
fn document(source: &str, name: &str, events: &[Recorded], previous: Option<&str>, current: Option<&str>) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"");
    out.push_str(" xmlns:fh=\"http://purl.org/syndication/history/1.0\">\n");
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{source} {name}").as_bytes());
    let updated = events.iter().map(Recorded::recorded_at).max().unwrap_or(Timestamp::EPOCH);
    let _ = writeln!(out, " <id>urn:uuid:{id}</id>\n <title>{} of {}</title>", escaped(name), escaped(source));
    let _ = writeln!(out, " <updated>{updated}</updated>\n <author><name>{}</name></author>", escaped(source));
    if let Some(current) = current {
        let _ = writeln!(out, " <fh:archive/>\n <link rel=\"current\" href=\"{}\"/>", escaped(current));
    } else {
        let _ = writeln!(out, " <link rel=\"self\" href=\"{}\"/>", escaped(name));
    }
    if let Some(previous) = previous {
        let _ = writeln!(out, " <link rel=\"prev-archive\" href=\"{}\"/>", escaped(previous));
    }
    for event in events {
        entry(&mut out, event, source);
    }
    out.push_str("</feed>\n");
    out
}

fn entry(out: &mut String, event: &Recorded, source: &str) {
    let json = serde_json::to_string(&CloudEvent::of(event, source)).unwrap_or_default();
    let (kind, stream, at) = (escaped(event.event_type()), escaped(event.stream()), event.recorded_at());
    let _ = writeln!(out, " <entry>\n  <id>urn:uuid:{}</id>\n  <title>{kind} {stream}</title>", event.id());
    let _ = writeln!(out, "  <published>{at}</published>\n  <updated>{at}</updated>\n  <category term=\"{kind}\"/>");
    let _ = writeln!(out, "  <content type=\"text\">{}</content>\n </entry>", escaped(&json));
}

/// Text for an element or attribute. What XML 1.0 cannot carry becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}
