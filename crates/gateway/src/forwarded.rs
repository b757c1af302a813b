//! What proxies before the gateway say of a client: by `X-Forwarded-For` and its kin, or by `Forwarded` (RFC 7239).
//!
//! Anybody can send such headers. What a trusted proxy sends has at its end what that proxy has seen itself; before it may
//! be what another trusted proxy has seen, and so on, up to an address that is not a trusted proxy's: that is the client,
//! and what stands before it is what the client says of itself. So they are read from their end, and what goes on to
//! services begins with the client.

use std::net::{IpAddr, SocketAddr};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use tradewind_http::Network;

use crate::headers::{FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO};

/// What nginx's own examples tell the client's address by.
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// More proxies one behind the other are not looked through.
const PROXIES_MAX: usize = 16;

/// Who asks, or who asks for another: as far as the connection tells it, or a proxy that is believed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    pub(crate) over_tls: bool,
}

impl Client {
    /// How it has asked, in the words of `X-Forwarded-Proto`.
    pub(crate) fn proto(self) -> &'static str {
        if self.over_tls { "https" } else { "http" }
    }
}

/// What is told of a request by those before the gateway.
#[derive(Debug, Default)]
struct Told {
    /// Who has sent it, and to whom each has passed it on; the nearest first.
    senders: Vec<IpAddr>,
    over_tls: Option<bool>,
    host: Option<HeaderValue>,
}

/// Throws away what a request says of those before it, which nobody has reason to believe: it is from whoever is connected.
/// How that one has asked is told in its place.
pub(crate) fn disbelieve(headers: &mut HeaderMap, peer: Client) -> Client {
    for name in [header::FORWARDED, FORWARDED_FOR, FORWARDED_HOST] {
        headers.remove(name);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(peer.proto()));
    peer
}

/// Who the client is of a request that has come from a trusted proxy. Its headers say the same from here on, in both ways
/// in which services may read it.
pub(crate) fn believe(headers: &mut HeaderMap, peer: Client, trusted: &[Network]) -> Client {
    // Who tells the one passes the other on as it came, as a rule: only one of them can be believed.
    let told = match headers.contains_key(FORWARDED_FOR) {
        true => Told { senders: senders(headers, &FORWARDED_FOR, trusted, address), ..Told::default() },
        false if headers.contains_key(header::FORWARDED) => {
            // Who tells by the one header need not know the others: what they say is the client's.
            headers.remove(FORWARDED_HOST);
            headers.remove(FORWARDED_PROTO);
            told_by_forwarded(headers, trusted)
        }
        false => Told::default(),
    };
    let over_tls = proto(headers).or(told.over_tls).unwrap_or(peer.over_tls);
    let client = Client { address: told.senders.last().copied().unwrap_or(peer.address), over_tls };
    let proto = client.proto();
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
    if let Some(host) = told.host.filter(|_| !headers.contains_key(FORWARDED_HOST)) {
        headers.insert(FORWARDED_HOST, host);
    }
    let (mut plain, mut forwarded) = (String::new(), String::new());
    for sender in told.senders.iter().rev() {
        let is_client = plain.is_empty();
        if !is_client {
            plain.push_str(", ");
            forwarded.push_str(", ");
        }
        plain.push_str(&sender.to_string());
        forwarded.push_str(&match sender {
            IpAddr::V4(sender) => format!("for={sender}"),
            IpAddr::V6(sender) => format!("for=\"[{sender}]\""),
        });
        if is_client {
            forwarded.push_str(";proto=");
            forwarded.push_str(proto);
        }
    }
    for (name, text) in [(FORWARDED_FOR, plain), (header::FORWARDED, forwarded)] {
        match HeaderValue::try_from(text) {
            Ok(value) if !value.is_empty() => headers.insert(name, value),
            _ => headers.remove(name),
        };
    }
    client
}

/// Whether anybody says that a request was another's before. Nobody who asks by himself has a reason to.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    let said = [header::FORWARDED, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO, header::VIA, REAL_IP];
    said.iter().any(|name| headers.contains_key(name))
}

fn told_by_forwarded(headers: &HeaderMap, trusted: &[Network]) -> Told {
    let senders = senders(headers, &header::FORWARDED, trusted, |element| address(parameter(element, "for")?));
    // The element that names the client tells how it has asked.
    let of_client = senders.len().checked_sub(1).and_then(|last| elements(headers, &header::FORWARDED).nth(last));
    let Some(of_client) = of_client else { return Told::default() };
    let over_tls = parameter(of_client, "proto").and_then(is_https);
    // No host has a character that had to be escaped.
    let host = parameter(of_client, "host").filter(|host| !host.contains('\\'));
    let host = host.and_then(|host| HeaderValue::from_str(host).ok());
    Told { senders, over_tls, host }
}

/// Those who have sent it, from the nearest to the first one who is not trusted, or whose address is not told.
fn senders(
    headers: &HeaderMap,
    name: &HeaderName,
    trusted: &[Network],
    read: impl Fn(&str) -> Option<IpAddr>,
) -> Vec<IpAddr> {
    let mut senders = Vec::new();
    for address in elements(headers, name).map_while(read).take(PROXIES_MAX) {
        senders.push(address);
        if !trusted.iter().any(|network| network.contains(address)) {
            break;
        }
    }
    senders
}

/// The elements of a list, from its end.
fn elements<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).iter().rev();
    let elements = lines.flat_map(|line| FromTheEnd::of(line.as_bytes(), b','));
    elements.map(|element| std::str::from_utf8(element).unwrap_or_default().trim())
}

/// A parameter of an element of `Forwarded`.
fn parameter<'e>(element: &'e str, wanted: &str) -> Option<&'e str> {
    let pairs =
        FromTheEnd::of(element.as_bytes(), b';').filter_map(|pair| std::str::from_utf8(pair).ok()?.split_once('='));
    let values = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim());
    let value = values.last()?;
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// The parts of a text between separators that are not in quotes (RFC 7239 §4), from its end. A host may have a comma or a
/// semicolon in it, and the client chooses it: it must not begin another element. Nor can what a client has said before a
/// proxy's element, as a quote without its other half, make that something else: it is read after it.
struct FromTheEnd<'t> {
    /// What is not read yet; none when all is.
    rest: Option<&'t [u8]>,
    separator: u8,
}

impl<'t> FromTheEnd<'t> {
    fn of(text: &'t [u8], separator: u8) -> Self {
        Self { rest: Some(text), separator }
    }
}

impl<'t> Iterator for FromTheEnd<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        let rest = self.rest.take()?;
        let mut is_quoted = false;
        let divides = |at: &usize| {
            is_quoted ^= rest[*at] == b'"' && !is_escaped(&rest[..*at]);
            rest[*at] == self.separator && !is_quoted
        };
        let Some(at) = (0..rest.len()).rev().find(divides) else { return Some(rest) };
        self.rest = Some(&rest[..at]);
        Some(&rest[at + 1..])
    }
}

/// Whether what comes next is taken as it is, since a backslash stands before it that none stands for.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let alone = text.parse().ok().or_else(in_brackets);
    let address = alone.or_else(|| text.parse().ok().map(|with_port: SocketAddr| with_port.ip()));
    address.map(|address| address.to_canonical())
}

/// What `X-Forwarded-Proto` says, if it is one word: of several it is not known who has said which.
fn proto(headers: &HeaderMap) -> Option<bool> {
    let mut lines = headers.get_all(FORWARDED_PROTO).iter();
    let said = lines.next().filter(|_| lines.next().is_none())?;
    is_https(said.to_str().ok()?.trim())
}

fn is_https(proto: &str) -> Option<bool> {
    match () {
        () if proto.eq_ignore_ascii_case("https") => Some(true),
        () if proto.eq_ignore_ascii_case("http") => Some(false),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who is believed to be the client, whether over TLS, and what services are told.
    fn believed(lines: &[(&str, &str)]) -> (String, bool, String, String) {
        let trusted: Vec<Network> = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap()).into();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let peer = Client { address: "10.0.0.1".parse().unwrap(), over_tls: false };
        let client = believe(&mut headers, peer, &trusted);
        let told = |name: &HeaderName| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert_eq!(told(&FORWARDED_PROTO), if client.over_tls { "https" } else { "http" });
        (client.address.to_string(), client.over_tls, told(&FORWARDED_FOR), told(&header::FORWARDED))
    }

    #[test]
    fn the_client_is_the_last_one_that_is_no_trusted_proxy() {
        for (said, client, passed_on) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
            ("198.51.100.9, 192.0.2.1", "192.0.2.1", "192.0.2.1"),
            ("198.51.100.9, 192.0.2.1, 10.0.0.2,10.0.0.3", "192.0.2.1", "192.0.2.1, 10.0.0.2, 10.0.0.3"),
            ("10.0.0.9, 10.0.0.2", "10.0.0.9", "10.0.0.9, 10.0.0.2"),
            ("192.0.2.1:4711", "192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]:4711", "2001:db8::1", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
            ("\u{fc}, 192.0.2.1", "192.0.2.1", "192.0.2.1"),
            // Who is hidden is somebody behind the last proxy that is known.
            ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2", "10.0.0.2"),
            ("192.0.2.1, unknown", "10.0.0.1", ""),
            ("", "10.0.0.1", ""),
        ] {
            let (address, over_tls, told, _) = believed(&[("x-forwarded-for", said)]);
            assert_eq!((&*address, over_tls, &*told), (client, false, passed_on), "{said}");
        }
        let (address, .., told, _) = believed(&[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "10.0.0.2")]);
        assert_eq!((&*address, &*told), ("192.0.2.1", "192.0.2.1, 10.0.0.2"), "two lines are one list");
        let long = ["10.0.0.2"; 100].join(",");
        assert_eq!(believed(&[("x-forwarded-for", &long)]).2.split(", ").count(), PROXIES_MAX);
    }

    #[test]
    fn forwarded_says_the_same() {
        for (said, client, over_tls, passed_on) in [
            ("for=192.0.2.1;proto=https", "192.0.2.1", true, "for=192.0.2.1;proto=https"),
            ("For=192.0.2.9, for=\"192.0.2.1:80\" ; Proto=HTTPS", "192.0.2.1", true, "for=192.0.2.1;proto=https"),
            (
                "for=\"[2001:db8::1]:80\";proto=https, for=10.0.0.2;proto=http",
                "2001:db8::1",
                true,
                "for=\"[2001:db8::1]\";proto=https, for=10.0.0.2",
            ),
            ("for=\", for=192.0.2.1", "192.0.2.1", false, "for=192.0.2.1;proto=http"),
            ("for=_hidden;proto=https", "10.0.0.1", false, ""),
            ("for=unknown, for=10.0.0.2;proto=http", "10.0.0.2", false, "for=10.0.0.2;proto=http"),
            ("proto=https", "10.0.0.1", false, ""),
            // A client chooses its `Host`, and a proxy quotes it.
            ("for=192.0.2.1;host=\"a,for=9.9.9.9;x=\"", "192.0.2.1", false, "for=192.0.2.1;proto=http"),
            ("host=\"a,for=9.9.9.9;x=\";for=192.0.2.1", "192.0.2.1", false, "for=192.0.2.1;proto=http"),
            ("for=192.0.2.1;host=\"a;for=9.9.9.9\"", "192.0.2.1", false, "for=192.0.2.1;proto=http"),
            ("host=\"a;for=9.9.9.9;proto=https\";for=192.0.2.1", "192.0.2.1", false, "for=192.0.2.1;proto=http"),
            ("for=192.0.2.1;proto=https;host=\"a,b\"", "192.0.2.1", true, "for=192.0.2.1;proto=https"),
            ("host=\"a,b\";proto=https;for=192.0.2.1", "192.0.2.1", true, "for=192.0.2.1;proto=https"),
            ("for=192.0.2.1;host=\"a\\\",for=9.9.9.9\"", "192.0.2.1", false, "for=192.0.2.1;proto=http"),
            ("for=\"9.9.9.9, for=192.0.2.1;host=\"a,b\"", "192.0.2.1", false, "for=192.0.2.1;proto=http"),
        ] {
            let (address, is_https, plain, told) = believed(&[("forwarded", said)]);
            assert_eq!((&*address, is_https, &*told), (client, over_tls, passed_on), "{said}");
            assert_eq!(plain.split(", ").next().unwrap_or_default(), if told.is_empty() { "" } else { client });
        }
    }

    #[test]
    fn who_tells_by_forwarded_does_not_let_the_client_tell_the_rest() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let told = |forwarded: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::FORWARDED, HeaderValue::from_static(forwarded));
            headers.insert(FORWARDED_HOST, HeaderValue::from_static("evil.example"));
            headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
            let peer = Client { address: "10.0.0.1".parse().unwrap(), over_tls: false };
            let client = believe(&mut headers, peer, &trusted);
            let host = headers.get(FORWARDED_HOST).map(|host| host.to_str().unwrap().to_owned());
            (client.over_tls, host, headers[FORWARDED_PROTO].clone())
        };
        let by_client = |proto| (false, None, HeaderValue::from_static(proto));
        assert_eq!(told("for=192.0.2.1"), by_client("http"));
        assert_eq!(told("for=192.0.2.1;proto=http"), by_client("http"));
        assert_eq!(told("for=_hidden;proto=https"), by_client("http"));
        assert_eq!(told("for=192.0.2.1;host=\"a\\\"b\""), by_client("http"), "this is no host");
        let host = Some("a,b".to_owned());
        assert_eq!(told("host=\"a,b\";for=192.0.2.1;proto=https"), (true, host, HeaderValue::from_static("https")));
    }

    #[test]
    fn what_a_stranger_says_is_gone_before_anybody_has_read_it() {
        let mut headers = HeaderMap::new();
        for name in [header::FORWARDED, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO] {
            headers.append(&name, HeaderValue::from_static("for=192.0.2.9"));
            headers.append(&name, HeaderValue::from_static("https"));
        }
        let peer = Client { address: "192.0.2.1".parse().unwrap(), over_tls: false };
        assert_eq!(disbelieve(&mut headers, peer).address, peer.address);
        let left: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(left, [("x-forwarded-proto", &b"http"[..])]);
    }

    #[test]
    fn of_both_the_one_that_is_usual_is_believed_and_passed_on_as_both() {
        let both = [("forwarded", "for=198.51.100.9;proto=https"), ("x-forwarded-for", "192.0.2.1")];
        let (address, over_tls, _, told) = believed(&both);
        assert_eq!((&*address, over_tls, &*told), ("192.0.2.1", false, "for=192.0.2.1;proto=http"));
    }

    #[test]
    fn how_it_was_asked_is_one_word_or_not_known() {
        for (said, over_tls) in [("https", true), ("HTTPS", true), ("http", false), ("https, http", false), ("", false)]
        {
            assert_eq!(believed(&[("x-forwarded-proto", said)]).1, over_tls, "{said}");
        }
        assert!(!believed(&[("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")]).1);
    }
}
