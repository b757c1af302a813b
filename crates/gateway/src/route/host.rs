//! Which host a request asks for.

use std::fmt;

use super::RouteError;

/// A host's name, or all names under one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    /// In lower case, without the `*`.
    name: Box<str>,
    /// Whether the name is the end of all that are meant: `*.shop.example` means `.shop.example`.
    is_suffix: bool,
}

impl HostPattern {
    /// Reads `shop.example`, `*.shop.example`, `127.0.0.1` or `[::1]`, without a port: a gateway's port is not part of
    /// what it is asked for.
    ///
    /// # Errors
    /// [`RouteError::Host`].
    pub fn parse(text: &str) -> Result<Self, RouteError> {
        let lower = text.to_ascii_lowercase();
        let (name, is_suffix) = match lower.strip_prefix('*') {
            Some(suffix) => (suffix, true),
            None => (&*lower, false),
        };
        let labels = if is_suffix { name.strip_prefix('.').unwrap_or_default() } else { name };
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let is_name = labels.len() <= 253 && labels.split('.').all(is_label);
        if is_name {
            return Ok(Self { name: name.into(), is_suffix });
        }
        let in_brackets = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|_| !is_suffix);
        if let Some(address) = in_brackets.and_then(|address| address.parse::<std::net::Ipv6Addr>().ok()) {
            // There are many ways to write one, and one in which it is asked for (RFC 5952).
            return Ok(Self { name: format!("[{address}]").into(), is_suffix });
        }
        Err(RouteError::Host(text.chars().take(64).collect()))
    }

    /// Whether a host without its port is meant. Names under one are meant with however many labels, and not it itself.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let (name, host) = (self.name.as_bytes(), host.as_bytes());
        match host.len().checked_sub(name.len()) {
            Some(0) => !self.is_suffix && host.eq_ignore_ascii_case(name),
            Some(before) => self.is_suffix && host[before..].eq_ignore_ascii_case(name),
            None => false,
        }
    }

    /// A host that is meant.
    pub(crate) fn example(&self) -> String {
        let label = if self.is_suffix { "any" } else { "" };
        format!("{label}{}", self.name)
    }

    /// How specific it is: a whole name more than an end of one, a longer end more than a shorter one.
    pub(super) fn rank(&self) -> (bool, usize) {
        (!self.is_suffix, self.name.len())
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_suffix { "*" } else { "" })?;
        f.write_str(&self.name)
    }
}

/// The host of an authority without a user: without its port, and without the dot that may end a name, which says that
/// nothing is to be added to it (RFC 1034 §3.1).
#[must_use]
pub fn host_in(authority: &str) -> &str {
    let host = match authority.rsplit_once(':') {
        // The last colon of an IPv6 address in brackets stands before the bracket.
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    host.strip_suffix('.').unwrap_or(host)
}
