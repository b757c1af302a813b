//! HTTP/2 without TLS, and connections that change their protocol.

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::{Peer, gateway, named, service, status_of};

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
async fn an_http_2_client_gets_problems_too() {
    let gateway = gateway(&[("/api", named("x").await)]).await;
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://shop.example/x").body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status().as_u16(), 404);
}

#[tokio::test]
async fn a_connection_that_changes_its_protocol_passes_bytes_both_ways() {
    let script = |mut peer: Peer, _| async move {
        let head = peer.hear_head().await;
        assert!(head.contains("upgrade: echo") && head.contains("connection: upgrade"), "{head}");
        peer.say("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhello ").await;
        let heard = peer.hear_until(".").await;
        peer.say(&heard.to_uppercase()).await;
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("GET /ws HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: echo\r\n\r\n").await;
    let head = peer.hear_head().await;
    assert_eq!(status_of(&head), 101);
    assert!(head.contains("upgrade: echo"), "{head}");
    peer.hear_until("hello ").await;
    peer.say("some bytes.").await;
    assert_eq!(peer.hear_rest().await, "SOME BYTES.");
}

#[tokio::test]
async fn a_service_that_does_not_want_to_change_answers_as_always() {
    let gateway = gateway(&[("/", named("no").await)]).await;
    let answer = gateway.ask("GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: echo\r\nx-rest:", "").await;
    assert_eq!(status_of(&answer), 200);
}
