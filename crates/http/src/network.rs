//! Parts of the network, by which those who connect are told apart.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// With so many bits each address of IPv4 begins when it is written as one of IPv6, `::ffff:10.0.0.7`.
const MAPPED_BITS: u8 = 96;

/// Addresses that begin alike, `10.0.0.0/8` or `2001:db8::/32`, or one alone, `10.0.0.7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

/// What is neither an address nor a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidNetwork;

impl Network {
    /// Whether an address is in it. One of IPv4 is the same when it is written as one of IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// This machine itself.
    #[must_use]
    pub fn loopback() -> [Self; 2] {
        let of_ipv4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
        [Self(of_ipv4.into()), Self(IpAddr::from(Ipv6Addr::LOCALHOST).into())]
    }

    /// Whether it is larger than any part that may be for private use (RFC 1918, RFC 4193), so that strangers are in it.
    #[must_use]
    pub fn has_strangers(&self) -> bool {
        let private = if self.0.addr().is_ipv4() { 8 } else { 7 };
        self.0.prefix_len() < private
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let alone = text.parse().map(|address: IpAddr| IpNet::from(address.to_canonical()));
        let net = alone.or_else(|_| text.parse()).map_err(|_| InvalidNetwork)?;
        canonical(net).map(|net| Self(net.trunc())).ok_or(InvalidNetwork)
    }
}

/// One of IPv4 that is written as one of IPv6, as the former; nothing, if it would be larger than all of IPv4.
fn canonical(net: IpNet) -> Option<IpNet> {
    let IpNet::V6(v6) = net else { return Some(net) };
    let Some(v4) = v6.addr().to_ipv4_mapped() else { return Some(net) };
    Some(Ipv4Net::new(v4, v6.prefix_len().checked_sub(MAPPED_BITS)?).ok()?.into())
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.prefix_len() == self.0.max_prefix_len() {
            true => self.0.addr().fmt(f),
            false => self.0.fmt(f),
        }
    }
}

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither an address nor a network")
    }
}

impl std::error::Error for InvalidNetwork {}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap_or_else(|_| panic!("{text} is none"))
    }

    #[test]
    fn an_address_is_in_what_it_begins_with() {
        for (text, address, is_in) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.1.2.3/8", "10.9.9.9", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.255.0.1", true),
            ("::ffff:10.0.0.0/104", "11.0.0.1", false),
            ("::ffff:0:0/96", "192.0.2.1", true),
            ("10.0.0.7", "10.0.0.7", true),
            ("10.0.0.7", "10.0.0.8", false),
            ("::1", "::1", true),
            ("2001:db8::/32", "2001:db8:1::2", true),
            ("2001:db8::/32", "10.0.0.7", false),
            ("0.0.0.0/0", "192.0.2.1", true),
        ] {
            assert_eq!(network(text).contains(address.parse().unwrap()), is_in, "{address} in {text}");
        }
        for address in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert!(Network::loopback().iter().any(|network| network.contains(address.parse().unwrap())), "{address}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0/8", "shop.example", "10.0.0.7:80", "*", "::ffff:10.0.0.0/95"] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for (text, written) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.0.0.7/32", "10.0.0.7"),
            ("::1", "::1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ] {
            assert_eq!(network(text).to_string(), written);
        }
    }

    #[test]
    fn what_is_larger_than_private_parts_has_strangers_in_it() {
        for (text, has) in [("0.0.0.0/0", true), ("10.0.0.0/7", true), ("10.0.0.0/8", false), ("::/0", true)] {
            assert_eq!(network(text).has_strangers(), has, "{text}");
        }
        assert!(Network::loopback().iter().all(|network| !network.has_strangers()));
        assert!(!network("fc00::/7").has_strangers() && !network("192.0.2.1").has_strangers());
    }
}
