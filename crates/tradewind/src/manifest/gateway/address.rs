//! Where a service is that somebody else runs.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use http::Uri;

/// A host, by its address or its name, and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostPort {
    host: String,
    port: u16,
}

/// Why an address is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("is no URL of a service")]
    Malformed,
    #[error("is an https URL; services are spoken to without TLS, on a network of their own")]
    Tls,
    #[error("has more than a host and a port; paths are what routes rewrite")]
    More,
}

impl HostPort {
    /// Reads `http://10.0.0.7:8080`, or `catalog.internal:8080`; without a port it is 80.
    pub(super) fn parse(text: &str) -> Result<Self, AddressError> {
        let uri: Uri = text.parse().map_err(|_| AddressError::Malformed)?;
        match uri.scheme_str() {
            None | Some("http") => {}
            Some("https") => return Err(AddressError::Tls),
            Some(_) => return Err(AddressError::Malformed),
        }
        let authority = uri.authority().ok_or(AddressError::Malformed)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(AddressError::More);
        }
        let port = match authority.as_str().rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => port.parse().map_err(|_| AddressError::Malformed)?,
            _ => 80,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || port == 0 {
            return Err(AddressError::Malformed);
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }

    /// Where it is, if that need not be looked up.
    pub(crate) fn socket(&self) -> Option<SocketAddr> {
        self.host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, self.port))
    }

    /// What is to be looked up.
    pub(crate) fn host_and_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressError, HostPort};

    #[test]
    fn an_address_is_a_host_and_a_port_and_nothing_else() {
        let read = |text: &str| HostPort::parse(text).map(|address| (address.to_string(), address.socket().is_some()));
        assert_eq!(read("http://10.0.0.7:8080"), Ok(("10.0.0.7:8080".to_owned(), true)));
        assert_eq!(read("10.0.0.7:8080"), Ok(("10.0.0.7:8080".to_owned(), true)));
        assert_eq!(read("http://[::1]:8080/"), Ok(("[::1]:8080".to_owned(), true)));
        assert_eq!(read("http://[::1]"), Ok(("[::1]:80".to_owned(), true)));
        assert_eq!(read("http://Catalog.internal"), Ok(("catalog.internal:80".to_owned(), false)));
        assert_eq!(read("https://10.0.0.7:8080"), Err(AddressError::Tls));
        for text in ["http://10.0.0.7:8080/api", "http://a:b@10.0.0.7", "http://10.0.0.7?x"] {
            assert_eq!(read(text), Err(AddressError::More), "{text}");
        }
        for text in ["", "/", "http://", "ftp://10.0.0.7", "http://10.0.0.7:0", "http://10.0.0.7:70000", "a b"] {
            assert_eq!(read(text), Err(AddressError::Malformed), "{text}");
        }
    }
}
