//! What a request's headers must say.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::RouteError;
use crate::headers::HOP_BY_HOP;
use crate::upgrade::WEBSOCKET;

/// A header that must be there, or have a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderMatch {
    pub(super) name: HeaderName,
    pub(super) value: Option<HeaderValue>,
}

impl HeaderMatch {
    /// The header's name, and its value if not any will do. Of those that concern a connection alone there is only
    /// `upgrade`, in a request that asks to change to WebSocket.
    ///
    /// # Errors
    /// [`RouteError::Header`] or [`RouteError::OfConnection`].
    pub fn new(name: &str, value: Option<&str>) -> Result<Self, RouteError> {
        let refused = |text: &str| RouteError::Header(text.chars().take(64).collect());
        let value = value.map(|text| HeaderValue::from_str(text).map_err(|_| refused(text))).transpose()?;
        let header = Self { name: name.parse().map_err(|_| refused(name))?, value };
        if header.name == header::UPGRADE {
            let is_websocket = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(WEBSOCKET.as_bytes());
            return match header.value.as_ref().is_none_or(is_websocket) {
                true => Ok(Self { value: header.value.map(|_| WEBSOCKET), ..header }),
                false => Err(RouteError::OfConnection(header.to_string())),
            };
        }
        match HOP_BY_HOP.contains(&header.name) {
            true => Err(RouteError::OfConnection(header.to_string())),
            false => Ok(header),
        }
    }

    /// The header.
    #[must_use]
    pub fn name(&self) -> &HeaderName {
        &self.name
    }

    /// What it must say, if not any will do.
    #[must_use]
    pub fn value(&self) -> Option<&HeaderValue> {
        self.value.as_ref()
    }

    /// Whether one of the header's fields is as wished.
    #[must_use]
    pub fn holds(&self, headers: &HeaderMap) -> bool {
        match &self.value {
            Some(wanted) => headers.get_all(&self.name).iter().any(|value| value == wanted),
            None => headers.contains_key(&self.name),
        }
    }
}

impl fmt::Display for HeaderMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_str())?;
        match &self.value {
            Some(value) => write!(f, ": {}", String::from_utf8_lossy(value.as_bytes())),
            None => Ok(()),
        }
    }
}
