//! Whose pages ask, as browsers tell it in `Origin` (RFC 6454 §6.1).

use std::fmt;

use http::HeaderValue;

use crate::HostPattern;

/// A scheme, a host or all hosts under one, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: &'static str,
    host: HostPattern,
    /// None for the scheme's own, which browsers leave out.
    port: Option<u16>,
}

/// A text that is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no origin, such as \"https://shop.example\" or \"https://*.shop.example\"")]
pub struct InvalidOrigin(String);

/// The schemes of pages, and their own ports.
const SCHEMES: [(&str, u16); 2] = [("https", 443), ("http", 80)];

impl Origin {
    /// Reads `https://shop.example`, `http://localhost:3000`, or `https://*.shop.example` for all hosts under one; in lower
    /// case, as browsers write them.
    ///
    /// # Errors
    /// [`InvalidOrigin`].
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let refused = || InvalidOrigin(text.chars().take(64).collect());
        let (scheme, host, port) = parts(text).ok_or_else(refused)?;
        if text != text.to_ascii_lowercase() {
            return Err(refused());
        }
        Ok(Self { scheme, host: HostPattern::parse(host).map_err(|_| refused())?, port })
    }

    /// Whether this is where a page is from that says this in `Origin`.
    #[must_use]
    pub fn covers(&self, origin: &HeaderValue) -> bool {
        let told = origin.to_str().ok().and_then(parts);
        told.is_some_and(|(scheme, host, port)| {
            (scheme, port) == (self.scheme, self.port) && self.host.covers(host) && host.bytes().all(is_of_a_host)
        })
    }
}

/// The scheme, the host, and the port unless it is the scheme's own.
fn parts(text: &str) -> Option<(&'static str, &str, Option<u16>)> {
    let (scheme, authority) = text.split_once("://")?;
    let (scheme, own) = SCHEMES.into_iter().find(|(known, _)| *known == scheme)?;
    let (host, port) = match authority.rsplit_once(':') {
        // The last colon of an IPv6 address in brackets stands before the bracket.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port = match port {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
        Some(_) => return None,
        None => None,
    };
    Some((scheme, host, port.filter(|port| *port != own)))
}

/// What is under a host must be one: a pattern compares its end alone.
fn is_of_a_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}
