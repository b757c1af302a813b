//! Validators and conditional requests (RFC 9110 §13, RFC 9111 §4.3).

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::list::members;

/// What a client may make a request depend on.
const CONDITIONS: [HeaderName; 3] = [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::IF_RANGE];

/// What a 304 does not change of what is stored: what frames or encodes the body that stays as it is (RFC 9111 §3.2).
const OF_THE_BODY: [HeaderName; 4] =
    [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::CONTENT_RANGE, header::TRANSFER_ENCODING];

/// A header's date, since the epoch. One of several lines, or no date at all, is none.
pub(crate) fn date(headers: &HeaderMap, name: &HeaderName) -> Option<Duration> {
    let mut lines = headers.get_all(name).into_iter();
    let only = lines.next().filter(|_| lines.next().is_none())?;
    let moment = httpdate::parse_http_date(only.to_str().ok()?).ok()?;
    moment.duration_since(SystemTime::UNIX_EPOCH).ok()
}

/// Whether there is anything by which the service can be asked if it has changed.
pub(crate) fn has_any(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ETAG) || headers.contains_key(header::LAST_MODIFIED)
}

pub(crate) fn is_strong(etag: &HeaderValue) -> bool {
    etag.as_bytes().starts_with(b"\"")
}

/// Weak comparison (RFC 9110 §8.8.3.2).
pub(crate) fn opaque(etag: &[u8]) -> &[u8] {
    etag.strip_prefix(b"W/").unwrap_or(etag)
}

/// Whether the client has this answer already.
pub(crate) fn is_known_to(request: &HeaderMap, stored: &HeaderMap) -> bool {
    if request.contains_key(header::IF_NONE_MATCH) {
        let own = stored.get(header::ETAG).map(|etag| opaque(etag.as_bytes()));
        return members(request, &header::IF_NONE_MATCH).any(|known| known == b"*" || Some(opaque(known)) == own);
    }
    let modified = date(stored, &header::LAST_MODIFIED).or_else(|| date(stored, &header::DATE));
    date(request, &header::IF_MODIFIED_SINCE).zip(modified).is_some_and(|(known, modified)| modified <= known)
}

/// Whether a request depends on something that only the service can judge.
pub(crate) fn is_for_the_service(request: &HeaderMap) -> bool {
    request.contains_key(header::IF_MATCH) || request.contains_key(header::IF_UNMODIFIED_SINCE)
}

/// Makes a request one for the whole answer, whatever the client has of it.
pub(crate) fn ask_for_all(request: &mut HeaderMap) {
    for condition in CONDITIONS {
        request.remove(condition);
    }
    request.remove(header::RANGE);
}

/// Makes a request one for the whole answer unless it is what is stored.
pub(crate) fn ask_for_changes(request: &mut HeaderMap, stored: &HeaderMap) {
    ask_for_all(request);
    if let Some(etag) = stored.get(header::ETAG) {
        request.insert(header::IF_NONE_MATCH, etag.clone());
    }
    if let Some(modified) = stored.get(header::LAST_MODIFIED) {
        request.insert(header::IF_MODIFIED_SINCE, modified.clone());
    }
}

/// Whether a 304 speaks of what is stored. One that names another version answers a question that was not asked.
pub(crate) fn confirms(answer: &HeaderMap, stored: &HeaderMap) -> bool {
    match (answer.get(header::ETAG), stored.get(header::ETAG)) {
        (Some(new), Some(old)) => opaque(new.as_bytes()) == opaque(old.as_bytes()),
        (Some(_), None) => false,
        (None, _) => match (answer.get(header::LAST_MODIFIED), stored.get(header::LAST_MODIFIED)) {
            (Some(new), Some(old)) => new == old,
            _ => true,
        },
    }
}

/// What an answer to `HEAD` says about a stored body: another validator or length means another body (RFC 9111 §4.3.5).
pub(crate) fn contradicts(answer: &HeaderMap, stored: &HeaderMap, length: usize) -> bool {
    let differs = |name: HeaderName| answer.get(&name).is_some_and(|new| stored.get(&name) != Some(new));
    let is_length = |told: &HeaderValue| told.to_str().is_ok_and(|told| told.parse() == Ok(length));
    differs(header::ETAG) || differs(header::LAST_MODIFIED) || !answer.get(header::CONTENT_LENGTH).is_none_or(is_length)
}

/// The stored headers with those of a 304 in their place.
pub(crate) fn updated(stored: &HeaderMap, answer: &HeaderMap) -> HeaderMap {
    let mut headers = stored.clone();
    let updates = |name: &&HeaderName| !OF_THE_BODY.contains(name) && **name != header::SET_COOKIE;
    for name in answer.keys().filter(updates) {
        headers.remove(name);
        for value in answer.get_all(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers
}
