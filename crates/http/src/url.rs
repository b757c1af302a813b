//! Writing URLs (RFC 3986) without a URL library: segments and values are encoded, nothing is parsed.

use std::fmt::Write as _;

/// A path segment or a query value: everything but unreserved characters is percent-encoded.
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
