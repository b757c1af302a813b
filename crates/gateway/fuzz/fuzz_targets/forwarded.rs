//! Any headers of a request: what goes to the service has nothing of one connection, one host, and no more of what was
//! before the gateway than it believes; and what the client can read is chosen from what it says:
//! `cargo +nightly fuzz run forwarded`.

#![no_main]

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use tradewind_gateway::{Deadline, Network, fuzzing};

const OF_ONE_CONNECTION: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];

fn headers(text: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.split(|byte| *byte == b'\n').take(40) {
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':').unwrap_or(line.len()));
        let value = HeaderValue::from_bytes(value.get(1..).unwrap_or_default().trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), value) {
            headers.append(name, value);
        }
    }
    headers
}

fuzz_target!(|bytes: &[u8]| {
    let Some((how, text)) = bytes.split_first() else { return };
    let (is_trusted, is_v6) = (how & 1 == 1, how & 2 == 2);
    let address: IpAddr = if is_v6 { "2001:db8::1" } else { "192.0.2.1" }.parse().expect("an address");
    let trusted: Vec<Network> = if is_trusted { vec![address.to_string().parse().expect("a network")] } else { vec![] };
    let asked = headers(text);
    let (mut parts, ()) = Request::get("/a").body(()).expect("a request").into_parts();
    parts.headers = asked.clone();
    let is_refused = fuzzing::is_refused(&parts.method, parts.version, &parts.uri, &parts.headers);
    let client = fuzzing::prepare(&mut parts, address, &trusted);
    let prepared = parts.headers;

    for name in OF_ONE_CONNECTION {
        assert!(!prepared.contains_key(name), "{name}");
    }
    let last = |name: &str| {
        let line = prepared.get_all(name).iter().next_back().map(|line| String::from_utf8_lossy(line.as_bytes()));
        line.map(|line| line.rsplit(", ").next().unwrap_or_default().to_owned())
    };
    assert_eq!(last("x-forwarded-for"), Some(address.to_string()));
    assert_eq!(prepared.get_all("x-forwarded-for").iter().count(), 1);
    // What services are told begins with the client, and says it only of those who were believed.
    let senders = prepared["x-forwarded-for"].to_str().expect("text").split(", ");
    let senders: Vec<IpAddr> = senders.map(|sender| sender.parse().expect("an address")).collect();
    assert_eq!(senders[0], client);
    assert!(senders[1..].iter().all(|sender| *sender == address));
    assert!(matches!(prepared["x-forwarded-proto"].as_bytes(), b"http" | b"https"));
    if !is_trusted {
        assert_eq!(prepared["x-forwarded-for"], address.to_string());
        assert_eq!(prepared["x-forwarded-proto"], "https");
        assert_eq!(prepared.get("x-forwarded-host"), prepared.get("host"));
        if let Some(forwarded) = prepared.get("forwarded") {
            // A host may be called `for=`, but then it stands in quotes.
            let outside_quotes: String =
                String::from_utf8_lossy(forwarded.as_bytes()).split('"').step_by(2).collect();
            assert_eq!(outside_quotes.matches("for=").count(), 1);
        }
    }
    if !is_refused {
        assert_eq!(prepared.get_all("host").iter().count(), 1);
        assert_eq!(prepared.get("host"), asked.get("host"));
    }
    assert_eq!(prepared["x-request-id"], "an-id");
    assert_eq!(prepared.get_all("traceparent").iter().count(), 1);
    let trace = prepared["traceparent"].to_str().expect("text");
    assert!(trace.len() >= 55 && trace.as_bytes()[2] == b'-');

    let _ = Deadline::of(&asked);
    if let Some(coding) = fuzzing::coding(&asked) {
        let accepted = asked.get_all("accept-encoding").iter().map(|line| line.as_bytes().to_ascii_lowercase());
        let accepted = accepted.collect::<Vec<_>>().concat();
        let has = |name: &str| accepted.windows(name.len()).any(|window| window == name.as_bytes());
        assert!(has(coding.name()) || has("*"), "{}", coding.name());
        let body = b"any body, any body, any body";
        assert!(coding.pack(body).is_ok());
    }
});
