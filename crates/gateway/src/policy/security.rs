//! What browsers are told about an answer's safety.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers that an answer gets if its service does not set them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityHeaders(Vec<(HeaderName, HeaderValue)>);

impl SecurityHeaders {
    /// What is right for nearly everybody: contents are what they say that they are, no other site frames a page, and
    /// other sites learn no more than where somebody comes from.
    #[must_use]
    pub fn usual() -> Self {
        Self(vec![
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
            (header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin")),
            (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        ])
    }

    /// The same with one of them said otherwise, or another one.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value));
        self
    }

    pub(super) fn mark(&self, answer: &mut HeaderMap, over_tls: bool) {
        for (name, value) in &self.0 {
            // Browsers must not heed it over a connection that anybody could have tampered with (RFC 6797 §7.2).
            let of_tls = *name == header::STRICT_TRANSPORT_SECURITY;
            if !answer.contains_key(name) && (over_tls || !of_tls) {
                answer.insert(name, value.clone());
            }
        }
    }
}
