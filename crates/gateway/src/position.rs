//! Positions of services' logs, as headers tell them.

use http::{HeaderMap, HeaderName};
use tradewind_events::Position;

/// The position that an answer must show.
pub(crate) const AFTER: HeaderName = HeaderName::from_static("tradewind-after");

/// The position that an answer shows.
pub(crate) const POSITION: HeaderName = HeaderName::from_static("tradewind-position");

/// Digits and nothing else, not even a sign.
pub(crate) fn position_of(text: &str) -> Option<Position> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// The position in a header; nothing if there is none, or something else.
pub(crate) fn position_in(headers: &HeaderMap, name: &HeaderName) -> Option<Position> {
    position_of(headers.get(name)?.to_str().ok()?.trim())
}

#[cfg(test)]
mod tests;
