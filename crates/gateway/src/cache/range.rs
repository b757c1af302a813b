//! Parts of a stored body (RFC 9110 §14). What is stored is whole, so any part of it can be answered; what is not
//! stored is the service's to answer, and is never put together here.

use std::ops::Range;

use http::{HeaderMap, HeaderValue, header};

use super::validators::{self, is_strong};

/// What a request wants of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it: no range, one that is not understood, several at once, or one that holds for another version only.
    Whole,
    /// These bytes.
    Part(Range<usize>),
    /// Bytes that are not there.
    Nothing,
}

/// What of a body of `length` bytes a request wants. A date does not tell forms of an answer apart, and so is no version
/// where there may be several (`dates_tell`).
pub(crate) fn wanted(request: &HeaderMap, stored: &HeaderMap, length: usize, dates_tell: bool) -> Wanted {
    let Some(range) = request.get(header::RANGE).and_then(|range| range.to_str().ok()) else { return Wanted::Whole };
    let is_same = |version| is_same_version(version, stored, dates_tell);
    if !request.get(header::IF_RANGE).is_none_or(is_same) {
        return Wanted::Whole;
    }
    let refuses = stored.get(header::ACCEPT_RANGES).is_some_and(|unit| unit == "none");
    match range.trim().strip_prefix("bytes=") {
        Some(range) if !refuses && !range.contains(',') => part(range.trim(), length),
        _ => Wanted::Whole,
    }
}

fn part(range: &str, length: usize) -> Wanted {
    let Some((first, last)) = range.split_once('-') else { return Wanted::Whole };
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().unwrap_or(usize::MAX));
    match (first.is_empty(), last.is_empty()) {
        (true, true) => Wanted::Whole,
        (true, false) => match number(last) {
            Some(0) => Wanted::Nothing,
            Some(_) if length == 0 => Wanted::Nothing,
            Some(count) => Wanted::Part(length.saturating_sub(count)..length),
            None => Wanted::Whole,
        },
        (false, open) => match (number(first), if open { Some(usize::MAX) } else { number(last) }) {
            (Some(first), Some(last)) if first > last => Wanted::Whole,
            (Some(first), Some(_)) if first >= length => Wanted::Nothing,
            (Some(first), Some(last)) => Wanted::Part(first..last.saturating_add(1).min(length)),
            _ => Wanted::Whole,
        },
    }
}

/// `If-Range` compares strongly: parts of two versions must never be put together.
fn is_same_version(version: &HeaderValue, stored: &HeaderMap, dates_tell: bool) -> bool {
    let Ok(text) = version.to_str() else { return false };
    if text.starts_with('"') {
        return stored.get(header::ETAG).is_some_and(|etag| is_strong(etag) && etag == version);
    }
    if text.starts_with("W/") || !dates_tell {
        return false;
    }
    let (modified, date) = (validators::date(stored, &header::LAST_MODIFIED), validators::date(stored, &header::DATE));
    // A date is a strong validator only if the second was over when it was told.
    let is_settled = modified.zip(date).is_some_and(|(modified, date)| date > modified);
    is_settled && stored.get(header::LAST_MODIFIED) == Some(version)
}
