//! What a body is said to be.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Whether the body is said to be JSON. A browser asks first before it sends such a body to another origin (Fetch,
/// "CORS-safelisted"); what it sends unasked is said to be a form or plain text. So who takes nothing else is safe from
/// web pages that talk to servers on their visitor's own machine.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}
