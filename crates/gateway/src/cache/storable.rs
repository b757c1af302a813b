//! What a shared cache may store (RFC 9111 §3).

use http::{HeaderMap, Method, StatusCode, header};

use super::directives::Directives;
use super::freshness::{Freshness, is_heuristic};
use super::validators;

/// Why an answer is not stored, as `Cache-Status` tells it.
pub(crate) type Refusal = &'static str;

/// Whether the answer to a request may be stored, and if not, why.
pub(crate) fn refusal(
    method: &Method,
    request: &HeaderMap,
    (status, headers): (StatusCode, &HeaderMap),
    (directives, freshness): (&Directives, &Freshness),
) -> Option<Refusal> {
    let refused = [
        (*method != Method::GET, "method"),
        (!is_understood(status) || is_about_the_request(status), "status"),
        // The last condition of RFC 9111 §3: what says nothing may be guessed to last only where guesses are allowed.
        (!freshness.is_explicit && !directives.public && !is_heuristic(status), "status"),
        (directives.no_store && !(directives.must_understand && is_understood(status)), "no-store"),
        (directives.private, "private"),
        (Directives::of_request(request).no_store, "request-no-store"),
        (headers.contains_key(header::SET_COOKIE), "set-cookie"),
        (request.contains_key(header::AUTHORIZATION) && !allows_authorized(directives), "authorization"),
        // An answer that says nothing about caching may well depend on who asks.
        (request.contains_key(header::COOKIE) && !freshness.is_explicit && !directives.public, "cookie"),
        (headers.contains_key(header::CONTENT_RANGE), "content-range"),
        (headers.contains_key(header::TRAILER), "trailer"),
        (is_stream(headers), "stream"),
    ];
    refused.into_iter().find(|(is_so, _)| *is_so).map(|(_, why)| why)
}

/// Whether anything could ever be done with a stored answer.
pub(crate) fn is_worth_it(headers: &HeaderMap, directives: &Directives, is_fresh: bool, may_be_stale: bool) -> bool {
    validators::has_any(headers) || (!directives.no_cache && (is_fresh || may_be_stale))
}

/// A stream of events has no end at which it could be stored.
fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// RFC 9111 §3.5.
fn allows_authorized(directives: &Directives) -> bool {
    directives.public || directives.must_revalidate || directives.s_maxage.is_some()
}

/// Statuses that say that something is wrong with how it was asked, by headers that are in no key: whoever asks so would
/// have all others be told the same.
pub(crate) fn is_about_the_request(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 406 | 407 | 408 | 411 | 412 | 413 | 415 | 416 | 417 | 421 | 426)
}

/// The final statuses whose caching requirements are known: all that RFC 9110 defines but those of partial content,
/// which is not stored, and of validation, which is not for storing.
fn is_understood(status: StatusCode) -> bool {
    match status.as_u16() {
        206 | 304 => false,
        200..=205 | 300..=303 | 305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505 => true,
        _ => false,
    }
}
