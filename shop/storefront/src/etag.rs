//! Strong entity tags (RFC 9110, section 8.8.3), made from the content, so that a new binary with the same page
//! answers "not modified".

use xxhash_rust::xxh3::xxh3_128;

/// The tag of some content, with its quotes.
pub(crate) fn of(content: &[u8]) -> String {
    format!("\"{:032x}\"", xxh3_128(content))
}

/// Whether an `If-None-Match` header names the tag. The comparison is the weak one, as RFC 9110 asks for this header.
pub(crate) fn is_named(if_none_match: &str, etag: &str) -> bool {
    if_none_match.trim() == "*"
        || if_none_match.split(',').any(|candidate| {
            let candidate = candidate.trim();
            candidate.strip_prefix("W/").unwrap_or(candidate) == etag
        })
}
