//! What a proxy does to headers (RFC 9110 §7.6, RFC 7239).

use std::net::IpAddr;

use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Version, request};
use tradewind_events::{Clock, SystemClock};

use crate::forwarded::Client;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY_AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");

/// What concerns one connection only, also if `Connection` does not name it.
pub(crate) const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::PROXY_AUTHENTICATE,
    PROXY_AUTHENTICATION_INFO,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What `Connection` may name in vain: what says where a message ends, whom it is for, and who was before us.
const OF_THE_MESSAGE: [HeaderName; 6] =
    [header::CONTENT_LENGTH, header::HOST, header::FORWARDED, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO];

/// Removes what concerns one connection only: what `Connection` names, the headers that RFC 9110 §7.6.1 lists, and
/// those that RFC 9111 §3.1 keeps from being stored for others.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // Most messages have none of them, and looking is cheaper than removing what is not there.
    if !headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().filter(|name| !OF_THE_MESSAGE.contains(name)) {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Removes from trailers what would say something of the message that they end, or of who sends it: a service that takes
/// them for headers would be told so by a client, whom nobody has asked (RFC 9110 §6.5.1).
pub(crate) fn remove_from_trailers(trailers: &mut HeaderMap) {
    const OF_WHO_SENDS: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, REQUEST_ID];
    for name in HOP_BY_HOP.iter().chain(&OF_THE_MESSAGE).chain(&OF_WHO_SENDS) {
        trailers.remove(name);
    }
}

/// What a request is known by, to the service and to the client.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The request's own id if it has a sensible one, else a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let is_sensible = |value: &&HeaderValue| {
            let text = value.as_bytes();
            (1..=64).contains(&text.len()) && text.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
        };
        headers.get(REQUEST_ID).filter(is_sensible).map_or_else(Self::new, |own| Self(own.clone()))
    }

    /// A UUID of version 7. It is no secret, so that its chance need not come from the system, which takes a call of it.
    fn new() -> Self {
        let millis = u64::try_from(SystemClock.now().micros() / 1_000).unwrap_or(0);
        let chance = fastrand::u128(..).to_ne_bytes();
        let mut random = [0; 10];
        random.copy_from_slice(&chance[..10]);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        let mut text = [0; uuid::fmt::Simple::LENGTH];
        let text = id.simple().encode_lower(&mut text);
        // A UUID's text is one that a header can have.
        Self(HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("none")))
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Puts it on a message.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.0.clone());
    }
}

/// Makes a client's request one of the gateway's own: everything but the target. It has nothing of the client's
/// connection any more, and of those before whoever is connected it says what is believed.
pub(crate) fn prepare_request(parts: &mut request::Parts, peer: Client, request_id: &RequestId) {
    let (host, client) = (host_of(parts), text_of(peer.address));
    let headers = &mut parts.headers;
    join_cookies(headers);
    // Over HTTP/1.1 our server answers the expectation when the body is asked for. Over HTTP/2 it does not, and a
    // client sends the body when it has waited for a while (RFC 9110 §10.1.1). Either way the service has nothing to do
    // with it.
    headers.remove(header::EXPECT);
    if parts.method == Method::OPTIONS {
        forward_once_less(headers);
    }
    if let Some(host) = host {
        if !headers.contains_key(FORWARDED_HOST) {
            headers.insert(FORWARDED_HOST, host.clone());
        }
        append(headers, header::FORWARDED, value(forwarded(&client, &host, peer.proto())));
        headers.insert(header::HOST, host);
    }
    append(headers, FORWARDED_FOR, value(client));
    add_via(headers, parts.version);
    request_id.mark(headers);
    parts.version = Version::HTTP_11;
}

/// Whether a request asks for the options of whoever has it now, and of nobody behind (RFC 9110 §7.6.2).
pub(crate) fn is_for_us(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && max_forwards(headers) == Some(0)
}

fn max_forwards(headers: &HeaderMap) -> Option<u32> {
    headers.get(header::MAX_FORWARDS)?.to_str().ok()?.trim().parse().ok()
}

fn forward_once_less(headers: &mut HeaderMap) {
    if let Some(left) = max_forwards(headers) {
        headers.insert(header::MAX_FORWARDS, left.saturating_sub(1).into());
    }
}

/// HTTP/2 may carry cookies in several fields; HTTP/1.1 has one, in which they are joined (RFC 9113 §8.2.3).
pub(crate) fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, joined);
    }
}

/// The host that the client asked for: HTTP/2 carries it in the target, HTTP/1.1 in a header.
fn host_of(parts: &request::Parts) -> Option<HeaderValue> {
    let authority = parts.uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    authority.or_else(|| parts.headers.get(header::HOST).cloned())
}

/// One element of RFC 7239; an IPv6 address stands in brackets and quotes.
fn forwarded(client: &str, host: &HeaderValue, proto: &str) -> String {
    let (before, after) = if client.contains(':') { ("\"[", "]\"") } else { ("", "") };
    // A host with a quote or backslash would end the quoted string; no real host has one.
    match host.to_str() {
        Ok(host) if !host.contains(['"', '\\']) => {
            ["for=", before, client, after, ";host=\"", host, "\";proto=", proto].concat()
        }
        _ => ["for=", before, client, after, ";proto=", proto].concat(),
    }
}

/// An address as text. It is written for each request, and for IPv4 formatting would cost more than all else that is done
/// to the headers.
fn text_of(address: IpAddr) -> String {
    let IpAddr::V4(v4) = address else { return address.to_string() };
    let mut text = String::with_capacity(15);
    for (place, part) in v4.octets().into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        if part >= 100 {
            text.push(char::from(b'0' + part / 100));
        }
        if part >= 10 {
            text.push(char::from(b'0' + part / 10 % 10));
        }
        text.push(char::from(b'0' + part % 10));
    }
    text
}

/// Adds to a list header, behind what is there.
fn append(headers: &mut HeaderMap, name: HeaderName, element: HeaderValue) {
    match headers.entry(name) {
        Entry::Vacant(place) => {
            place.insert(element);
        }
        Entry::Occupied(mut place) => {
            let before = place.iter().filter_map(|value| value.to_str().ok());
            let joined: Vec<&str> = before.chain(element.to_str().ok()).collect();
            if let Ok(value) = HeaderValue::try_from(joined.join(", ")) {
                place.insert(value);
            }
        }
    }
}

/// A value of such text; every text that is given to it is one.
fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// Notes the gateway's passing, with the protocol in which the message came to it.
pub(crate) fn add_via(headers: &mut HeaderMap, received_as: Version) {
    let via = match received_as {
        Version::HTTP_10 => "1.0 tradewind",
        Version::HTTP_2 => "2.0 tradewind",
        _ => "1.1 tradewind",
    };
    append(headers, header::VIA, HeaderValue::from_static(via));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_always_is() {
        for part in 0..=255 {
            let address = IpAddr::from([part, 255 - part, 10, part / 2]);
            assert_eq!(text_of(address), address.to_string());
        }
        let v6 = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]);
        assert_eq!(text_of(v6), "2001:db8::1");
    }

    #[test]
    fn an_element_of_forwarded_quotes_what_must_be() {
        let host = HeaderValue::from_static("shop.example");
        assert_eq!(forwarded("10.0.0.7", &host, "http"), "for=10.0.0.7;host=\"shop.example\";proto=http");
        assert_eq!(forwarded("::1", &host, "https"), "for=\"[::1]\";host=\"shop.example\";proto=https");
        let bad = HeaderValue::from_static("a\"b");
        assert_eq!(forwarded("10.0.0.7", &bad, "http"), "for=10.0.0.7;proto=http");
    }
}
