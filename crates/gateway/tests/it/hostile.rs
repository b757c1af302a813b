//! Clients that speak HTTP/2 as they must not: each ends as RFC 9113 says, and everybody else is served as ever.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tradewind_gateway::Limits;

use crate::frames::{
    CANCEL, COMPRESSION_ERROR, CONTINUATION, Client, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, End,
    FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PING, PROTOCOL_ERROR, PUSH_PROMISE,
    REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, block, frame, request,
};
use crate::{Peer, Running, gateway, gateway_with, named, service, status_of};

/// The largest window there is.
const WINDOW_MAX: u32 = u32::MAX >> 1;

impl Running {
    /// Others are served, whatever one does.
    async fn serves_others(&self, whatever: &str) {
        assert_eq!(status_of(&self.get("/").await), 200, "{whatever}");
    }

    async fn client(&self) -> Client {
        Client::connect(self.address, &[]).await
    }
}

/// A gateway before a service that hands over the heads that it hears.
async fn overheard() -> (Running, mpsc::Receiver<String>) {
    let (heads, heard) = mpsc::channel(1_000);
    let script = move |mut peer: Peer, _| {
        let heads = heads.clone();
        async move {
            while let Some(head) = peer.hear_head_or_end().await {
                if head.contains("transfer-encoding: chunked") {
                    peer.hear_until("0\r\n\r\n").await;
                }
                heads.try_send(head).unwrap();
                peer.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            }
        }
    };
    (gateway(&[("/", service(script).await.0)]).await, heard)
}

#[tokio::test]
async fn a_malformed_request_is_reset_and_never_reaches_the_service() {
    let (gateway, mut heard) = overheard().await;
    let without = |name: &'static str| -> Vec<(&str, &str)> {
        request("GET", "/bad", &[]).into_iter().filter(|(known, _)| *known != name).collect()
    };
    let with = |name: &'static str, value: &'static str| request("GET", "/bad", &[(name, value)]);
    for (name, fields) in [
        ("framing of HTTP/1.1", with("transfer-encoding", "chunked")),
        ("a header of the connection", with("connection", "close")),
        ("another such", with("keep-alive", "timeout=5")),
        ("a third", with("proxy-connection", "close")),
        ("a change of protocol", with("upgrade", "websocket")),
        ("codings of the transfer", with("te", "gzip")),
        ("a length without a body", with("content-length", "5")),
        ("a length that is none", with("content-length", "5x")),
        ("capitals in a name", with("X-Upper", "1")),
        ("a space in a name", with("x upper", "1")),
        ("a line's end in a value", with("x-a", "1\r\nhost: b")),
        ("a zero byte in a value", with("x-a", "1\0")),
        ("no method", without(":method")),
        ("no scheme", without(":scheme")),
        ("no path", without(":path")),
        ("an empty path", request("GET", "", &[])),
        ("two methods", with(":method", "GET")),
        ("two paths", with(":path", "/other")),
        ("two authorities", with(":authority", "other.example")),
        ("a pseudo-header that is none", with(":other", "1")),
        ("one of an answer", with(":status", "200")),
        ("a pseudo-header behind a header", [&[("x-a", "1")][..], &request("GET", "/bad", &[])].concat()),
    ] {
        let mut client = gateway.client().await;
        client.head(1, END_STREAM, &fields).await;
        let end = client.end_of(1).await;
        // An error of a stream may be treated as one of its connection (§5.4.2).
        let as_connection = [PROTOCOL_ERROR, COMPRESSION_ERROR].map(|code| End::Connection(Some(code)));
        assert!(end == End::Reset(PROTOCOL_ERROR) || as_connection.contains(&end), "{name}: {end:?}");
    }
    for (name, fields) in [
        ("no host", without(":authority")),
        ("another host", with("host", "other.example")),
        ("a user", [&[(":authority", "me@shop.example")], &without(":authority")[..]].concat()),
    ] {
        let mut client = gateway.client().await;
        client.head(1, END_STREAM, &fields).await;
        let end = client.end_of(1).await;
        assert!(matches!(end, End::Answered(400, _) | End::Reset(PROTOCOL_ERROR)), "{name}: {end:?}");
    }
    assert!(heard.try_recv().is_err(), "one was heard");
    gateway.serves_others("after all of them").await;
}

#[tokio::test]
async fn a_body_of_another_length_never_becomes_a_whole_request() {
    let (heads, mut heard) = mpsc::channel(1_000);
    let script = move |mut peer: Peer, _| {
        let heads = heads.clone();
        async move {
            while let Some(head) = peer.hear_head_or_end().await {
                let length: usize = crate::acting::header(&head, "content-length").parse().unwrap_or(0);
                let mut body = vec![0; length];
                if tokio::io::AsyncReadExt::read_exact(&mut peer.0, &mut body).await.is_err() {
                    return;
                }
                heads.try_send(head).unwrap();
                peer.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            }
        }
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    for (name, length, sent) in [("shorter", "5", "abc"), ("longer", "3", "abcde"), ("none", "0", "abc")] {
        let mut client = gateway.client().await;
        client.head(1, 0, &request("POST", "/bad", &[("content-length", length)])).await;
        client.send(DATA, END_STREAM, 1, sent.as_bytes()).await;
        let end = client.end_of(1).await;
        let as_connection = End::Connection(Some(PROTOCOL_ERROR));
        assert!(end == End::Reset(PROTOCOL_ERROR) || end == as_connection, "{name}: {end:?}");
        // Of the longer one the service may have had as much as it was told of, and what is too much was nobody's.
        while let Ok(head) = heard.try_recv() {
            assert!(name != "shorter", "{name} was heard: {head}");
        }
    }
    gateway.serves_others("after all of them").await;
}

#[tokio::test]
async fn frames_that_must_not_come_end_the_stream_or_the_connection() {
    let (gateway, _heard) = overheard().await;
    let get = |stream: u32| frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&request("GET", "/", &[])));
    let post = |stream: u32| frame(HEADERS, END_HEADERS, stream, &block(&request("POST", "/", &[])));
    let half = |stream: u32| frame(HEADERS, END_STREAM, stream, &block(&request("GET", "/", &[])));
    let then = |one: Vec<u8>, other: Vec<u8>| [one, other].concat();
    let room = |stream: u32, bytes: u32| frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes());
    let window = |bytes: u32| [&INITIAL_WINDOW_SIZE.to_be_bytes()[..], &bytes.to_be_bytes()].concat();
    for (name, bytes, codes) in [
        ("data on an idle stream", frame(DATA, 0, 5, b"x"), &[PROTOCOL_ERROR][..]),
        ("data on no stream", frame(DATA, 0, 0, b"x"), &[PROTOCOL_ERROR]),
        ("data behind the end", then(get(1), frame(DATA, 0, 1, b"x")), &[STREAM_CLOSED, PROTOCOL_ERROR]),
        ("a head behind the end", then(get(1), get(1)), &[STREAM_CLOSED, PROTOCOL_ERROR]),
        (
            "data behind a reset",
            [post(1), frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]), frame(DATA, 0, 1, b"x")].concat(),
            &[STREAM_CLOSED],
        ),
        (
            "trailers that do not end it",
            then(post(1), frame(HEADERS, END_HEADERS, 1, &block(&[("x-a", "1")]))),
            &[PROTOCOL_ERROR],
        ),
        ("a stream of the server's", get(2), &[PROTOCOL_ERROR]),
        ("a stream that was passed over", then(get(5), get(3)), &[PROTOCOL_ERROR, STREAM_CLOSED]),
        ("a head on no stream", get(0), &[PROTOCOL_ERROR]),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, &[]), &[PROTOCOL_ERROR]),
        ("something within a head", then(half(1), frame(PING, 0, 0, &[0; 8])), &[PROTOCOL_ERROR]),
        ("another's head within a head", then(half(1), frame(CONTINUATION, END_HEADERS, 3, &[])), &[PROTOCOL_ERROR]),
        ("a reset of an idle stream", frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]), &[PROTOCOL_ERROR]),
        ("a reset of another size", then(get(1), frame(RST_STREAM, 0, 1, &[0])), &[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ("settings on a stream", frame(SETTINGS, 0, 1, &[]), &[PROTOCOL_ERROR]),
        ("settings of another size", frame(SETTINGS, 0, 0, &[0; 5]), &[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        (
            "too large a window by settings",
            frame(SETTINGS, 0, 0, &window(WINDOW_MAX + 1)),
            &[FLOW_CONTROL_ERROR, PROTOCOL_ERROR],
        ),
        ("too large a window of all", room(0, WINDOW_MAX), &[FLOW_CONTROL_ERROR]),
        ("too large a window of one", then(post(1), room(1, WINDOW_MAX)), &[FLOW_CONTROL_ERROR]),
        ("no more room of all", room(0, 0), &[PROTOCOL_ERROR]),
        ("no more room of one", then(post(1), room(1, 0)), &[PROTOCOL_ERROR]),
        ("room on an idle stream", room(9, 1), &[PROTOCOL_ERROR]),
        ("a ping on a stream", frame(PING, 0, 1, &[0; 8]), &[PROTOCOL_ERROR]),
        ("a ping of another size", frame(PING, 0, 0, &[0; 7]), &[FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
        ("a promise", then(post(1), frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])), &[PROTOCOL_ERROR]),
        ("a farewell on a stream", frame(GOAWAY, 0, 1, &[0; 8]), &[PROTOCOL_ERROR]),
        ("too large a frame", then(post(1), frame(DATA, 0, 1, &[0; 16_385])), &[FRAME_SIZE_ERROR]),
        ("padding longer than what it pads", then(post(1), frame(DATA, 8, 1, &[9, 0])), &[PROTOCOL_ERROR]),
        (
            "a field that nobody knows",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff, 0xff, 0x01]),
            &[COMPRESSION_ERROR, PROTOCOL_ERROR],
        ),
        (
            "a field that is cut short",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0x00, 0x20, b'x']),
            &[COMPRESSION_ERROR, PROTOCOL_ERROR],
        ),
        (
            "a field in place 0",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0x80]),
            &[COMPRESSION_ERROR, PROTOCOL_ERROR],
        ),
    ] {
        let mut client = gateway.client().await;
        client.say(&bytes).await;
        // What is well ends with an answer before; how the connection or a stream ends badly is heard at last.
        let end = loop {
            match client.hear().await {
                None => break None,
                Some(frame) if frame.kind == GOAWAY => break frame.payload.get(4..8).map(<[u8]>::to_vec),
                Some(frame) if frame.kind == RST_STREAM => break Some(frame.payload),
                Some(_) => {}
            }
        };
        let code = end.map(|code| u32::from_be_bytes(code.try_into().unwrap()));
        assert!(code.is_some_and(|code| codes.contains(&code)), "{name}: {code:?}");
        gateway.serves_others(name).await;
    }
    let mut no_preface = Peer::connect(gateway.address).await;
    no_preface.say("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await;
    no_preface.hear_rest().await;
    gateway.serves_others("after a bad preface").await;
}

#[tokio::test]
async fn heads_without_an_end_are_not_collected() {
    let (gateway, mut heard) = overheard().await;
    let field = block(&[("x-a", &"x".repeat(100))]);
    let full: Vec<u8> = field.iter().copied().cycle().take(field.len() * 150).collect();
    for (name, payload) in [("full ones", &full[..]), ("empty ones", &[]), ("small ones", &field)] {
        let mut client = gateway.client().await;
        client.send(HEADERS, END_STREAM, 1, &block(&request("GET", "/bad", &[]))).await;
        for _ in 0..4_000 {
            if !client.send(CONTINUATION, 0, 1, payload).await {
                break;
            }
        }
        let end = client.end_of(1).await;
        // It may have been told why, or be reset before it has read that, since it goes on sending.
        let ends = [Some(ENHANCE_YOUR_CALM), Some(PROTOCOL_ERROR), Some(COMPRESSION_ERROR), None].map(End::Connection);
        assert!(ends.contains(&end), "{name}: {end:?}");
        gateway.serves_others(name).await;
    }
    while let Ok(head) = heard.try_recv() {
        assert!(!head.contains("/bad"), "{head}");
    }
}

#[tokio::test]
async fn who_asks_and_takes_it_back_at_once_keeps_nobody_from_being_served() {
    // A service that takes its time, so that what is asked for is not there before it is taken back.
    let script = |mut peer: Peer, _| async move {
        while let Some(head) = peer.hear_head_or_end().await {
            sleep(Duration::from_millis(if head.contains("/slow") { 2_000 } else { 0 })).await;
            if peer.0.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.is_err() {
                return;
            }
        }
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let mut client = gateway.client().await;
    let mut stream = 1;
    for _ in 0..100 {
        let mut bytes = Vec::new();
        for _ in 0..100 {
            bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&request("GET", "/slow", &[]))));
            bytes.extend(frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()));
            stream += 2;
        }
        if !client.say(&bytes).await {
            break;
        }
    }
    let begun = Instant::now();
    gateway.serves_others("during resets").await;
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    client.get(stream, "/").await;
    let end = client.end_of(stream).await;
    assert!(matches!(end, End::Connection(Some(ENHANCE_YOUR_CALM) | None) | End::Answered(200, 2)), "{end:?}");
}

#[tokio::test]
async fn who_floods_with_settings_or_pings_and_reads_nothing_is_not_read_either() {
    let gateway = gateway(&[("/", named("ok").await)]).await;
    for (name, one) in [("settings", frame(SETTINGS, 0, 0, &[])), ("pings", frame(PING, 0, 0, &[7; 8]))] {
        let mut client = gateway.client().await;
        let many: Vec<u8> = one.iter().copied().cycle().take(one.len() * 10_000).collect();
        // As much as is taken within a while: whoever does not read what is said to him is not listened to for ever.
        let flood = async { while client.say(&many).await {} };
        let _ = tokio::time::timeout(Duration::from_secs(2), flood).await;
        gateway.serves_others(name).await;
    }
}

#[tokio::test]
async fn more_streams_than_are_allowed_are_refused_one_by_one() {
    let script = |mut peer: Peer, _| async move {
        while let Some(head) = peer.hear_head_or_end().await {
            if head.contains("/never") {
                std::future::pending::<()>().await;
            }
            peer.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        }
    };
    let limits = Limits { streams_max: 3, ..Limits::default() };
    let gateway = gateway_with(&[("/", service(script).await.0)], limits).await;
    let mut client = gateway.client().await;
    for stream in [1, 3, 5, 7] {
        client.get(stream, "/never").await;
    }
    assert_eq!(client.end_of(7).await, End::Reset(REFUSED_STREAM));
    client.send(RST_STREAM, 0, 1, &CANCEL.to_be_bytes()).await;
    client.get(9, "/").await;
    assert_eq!(client.end_of(9).await, End::Answered(200, 2));
}
