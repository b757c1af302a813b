//! HTTP/2 without TLS, and connections that change their protocol.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use tradewind_gateway::{HeaderMatch, Limits, Route, RouteTable, Upstream};

use crate::{Peer, frames, gateway, gateway_before, gateway_with, named, service, status_of};

#[tokio::test]
async fn clients_may_speak_http_2() {
    let gateway = gateway(&[("/", named("over one one").await)]).await;
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for body in ["", "with a body"] {
        let request = Request::post("http://shop.example/x").body(Full::new(Bytes::from(body))).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "over one one");
    }
}

#[tokio::test]
async fn cookies_that_come_in_several_fields_reach_the_service_in_one() {
    let gateway = gateway(&[("/", echoing().await)]).await;
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://shop.example/").header("cookie", "a=1").header("cookie", "b=2; c=3");
    let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let heard = response.into_body().collect().await.unwrap().to_bytes();
    let heard = String::from_utf8(heard.to_vec()).unwrap();
    assert!(heard.contains("\r\ncookie: a=1; b=2; c=3\r\n"), "{heard}");
}

#[tokio::test]
async fn an_http_2_client_gets_problems_too() {
    let gateway = gateway(&[("/api", named("x").await)]).await;
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://shop.example/x").body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status().as_u16(), 404);
}

/// A service that speaks something else after the head, and says in capitals what it hears.
async fn shouting() -> std::net::SocketAddr {
    let script = |mut peer: Peer, _| async move {
        let head = peer.hear_head().await;
        assert!(head.contains("upgrade: websocket") && head.contains("connection: upgrade"), "{head}");
        peer.say("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello ").await;
        let heard = peer.hear_until(".").await;
        peer.say(&heard.to_uppercase()).await;
    };
    service(script).await.0
}

const CHANGE: &str = "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\r\n";

#[tokio::test]
async fn a_connection_that_changes_to_websocket_passes_bytes_both_ways() {
    let gateway = gateway(&[("/", shouting().await)]).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say(CHANGE).await;
    let head = peer.hear_head().await;
    assert_eq!(status_of(&head), 101);
    assert!(head.contains("upgrade: websocket"), "{head}");
    peer.hear_until("hello ").await;
    peer.say("some bytes.").await;
    assert_eq!(peer.hear_rest().await, "SOME BYTES.");
}

#[tokio::test]
async fn a_route_is_chosen_by_the_wish_to_change_to_websocket() {
    let mut live = Route::new("/ws", Upstream::new("live", [shouting().await])).unwrap();
    live.headers = vec![HeaderMatch::new("upgrade", Some("websocket")).unwrap()];
    let plain = Route::new("/ws", Upstream::new("plain", [named("plain").await])).unwrap();
    let gateway = gateway_before(RouteTable::new(vec![plain, live]).unwrap(), Limits::default()).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say(CHANGE).await;
    assert_eq!(status_of(&peer.hear_head().await), 101);
    peer.hear_until("hello ").await;
    // What only says so asks for something else, or for nothing.
    for lines in ["", "upgrade: websocket\r\n", "connection: upgrade\r\nupgrade: h2c\r\n"] {
        let answer = gateway.ask(&format!("GET /ws HTTP/1.1\r\n{lines}x-rest:"), "").await;
        assert!(answer.ends_with("plain"), "{lines}: {answer}");
    }
    let posted = gateway.ask("POST /ws HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-rest:", "").await;
    assert!(posted.ends_with("plain"), "{posted}");
}

#[tokio::test]
async fn a_connection_that_has_changed_its_protocol_still_counts_as_one() {
    let limits = Limits { connections_max: 2, ..Limits::default() };
    let gateway = gateway_with(&[("/", shouting().await)], limits).await;
    let mut changed = Peer::connect(gateway.address).await;
    changed.say(CHANGE).await;
    changed.hear_until("hello ").await;
    // There is room for one besides, which is this one.
    let mut other = Peer::connect(gateway.address).await;
    other.say("GET /_gateway/metrics HTTP/1.1\r\nhost: a\r\n\r\n").await;
    other.hear_until("tradewind_gateway_connections 2\n").await;
    other.hear_until("# EOF\n").await;
    let mut third = Peer::connect(gateway.address).await;
    third.say("GET /_gateway/metrics HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let early = tokio::time::timeout(Duration::from_millis(200), third.0.readable()).await;
    assert!(early.is_err(), "it was served beside two others");
    changed.say("away.").await;
    changed.hear_rest().await;
    drop(changed);
    third.hear_head().await;
}

#[tokio::test]
async fn no_protocol_but_websocket_is_passed_on() {
    let gateway = gateway(&[("/", echoing().await)]).await;
    let ask =
        "GET / HTTP/1.1\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMA\r\nx-rest:";
    let heard = gateway.ask(ask, "").await;
    assert!(status_of(&heard) == 200 && !heard.contains("upgrade") && !heard.contains("http2-settings"), "{heard}");
}

/// A service that answers with the head that it hears.
async fn echoing() -> std::net::SocketAddr {
    let script = |mut peer: Peer, _| async move {
        let head = peer.hear_head().await;
        peer.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{head}", head.len())).await;
    };
    service(script).await.0
}

#[tokio::test]
async fn a_service_that_does_not_want_to_change_answers_as_always() {
    let gateway = gateway(&[("/", named("no").await)]).await;
    let answer = gateway.ask("GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-rest:", "").await;
    assert_eq!(status_of(&answer), 200);
}

#[tokio::test]
async fn who_expects_to_be_told_to_go_on_is_told_over_http_1_1_and_goes_on_unasked_over_http_2() {
    let script = |mut peer: Peer, _| async move {
        let head = peer.hear_head().await;
        peer.hear_until("body").await;
        assert!(!head.contains("expect"), "{head}");
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n").await;
    assert_eq!(peer.hear_head().await, "http/1.1 100 continue\r\n\r\n");
    peer.say("body").await;
    peer.hear_until("\r\n\r\nok").await;

    let mut client = frames::Client::connect(gateway.address, &[]).await;
    let expecting = [("expect", "100-continue"), ("content-length", "4")];
    client.head(1, 0, &frames::request("POST", "/", &expecting)).await;
    let told = async {
        while let Some(frame) = client.hear().await {
            assert_ne!(frame.kind, frames::HEADERS, "it is told to go on");
        }
    };
    assert!(tokio::time::timeout(Duration::from_millis(200), told).await.is_err(), "its connection has ended");
    client.send(frames::DATA, frames::END_STREAM, 1, b"body").await;
    assert_eq!(client.end_of(1).await, frames::End::Answered(200, 2));
}
