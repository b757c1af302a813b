//! What the cache did, as `Cache-Status` tells it (RFC 9211).

use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// The name by which the gateway's cache is known.
const NAME: &str = "tradewind";

/// Why a request went to the service (RFC 9211 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forwarded {
    Bypass,
    Method,
    UriMiss,
    VaryMiss,
    Request,
    Stale,
}

impl Forwarded {
    pub(crate) fn token(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Request => "request",
            Self::Stale => "stale",
        }
    }
}

/// One answer's way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CacheStatus {
    /// Nothing if it was answered from the cache alone.
    pub(crate) forwarded: Option<Forwarded>,
    pub(crate) forward_status: Option<StatusCode>,
    pub(crate) stored: bool,
    pub(crate) collapsed: bool,
    /// How long what was stored is fresh; below zero, since when it is not.
    pub(crate) ttl_s: Option<i64>,
    pub(crate) detail: Option<&'static str>,
}

impl CacheStatus {
    pub(crate) fn hit() -> Self {
        Self::default()
    }

    pub(crate) fn forwarded(why: Forwarded) -> Self {
        Self { forwarded: Some(why), ..Self::default() }
    }

    pub(crate) fn because(mut self, detail: &'static str) -> Self {
        self.detail = Some(detail);
        self
    }

    pub(crate) fn with_ttl(mut self, fresh_for: Duration, stale_for: Option<Duration>) -> Self {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        self.ttl_s = Some(stale_for.map_or_else(|| seconds(fresh_for), |stale_for| -seconds(stale_for)));
        self
    }

    /// Adds it behind what caches nearer to the service have said.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        headers.append(CACHE_STATUS, self.value());
    }

    pub(crate) fn value(self) -> HeaderValue {
        let mut text = NAME.to_owned();
        match self.forwarded {
            None => text.push_str("; hit"),
            Some(why) => {
                let _ = write!(text, "; fwd={}", why.token());
            }
        }
        if let Some(status) = self.forward_status {
            let _ = write!(text, "; fwd-status={}", status.as_u16());
        }
        for (is_so, word) in [(self.stored, "; stored"), (self.collapsed, "; collapsed")] {
            text.push_str(if is_so { word } else { "" });
        }
        if let Some(ttl_s) = self.ttl_s {
            let _ = write!(text, "; ttl={ttl_s}");
        }
        if let Some(detail) = self.detail {
            let _ = write!(text, "; detail={detail}");
        }
        // Names, tokens and numbers are always a header's value.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(NAME))
    }
}
