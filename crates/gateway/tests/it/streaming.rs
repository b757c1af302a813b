//! Bodies pass as they come.

use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use crate::{Peer, gateway, service};

#[tokio::test]
async fn events_arrive_one_by_one_as_they_are_sent() {
    let (go, turns) = mpsc::channel::<()>(1);
    let turns = std::sync::Arc::new(tokio::sync::Mutex::new(turns));
    let script = move |mut peer: Peer, _| {
        let turns = turns.clone();
        async move {
            peer.hear_head().await;
            peer.say("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").await;
            let mut number = 0;
            while turns.lock().await.recv().await.is_some() {
                number += 1;
                let event = format!("data: {number}\n\n");
                peer.say(&format!("{:x}\r\n{event}\r\n", event.len())).await;
            }
        }
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("GET /live HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\n\r\n").await;
    assert!(peer.hear_head().await.contains("content-type: text/event-stream"));
    for number in 1..=5 {
        // The next event is not sent before this one has arrived.
        go.send(()).await.unwrap();
        peer.hear_until(&format!("data: {number}\n\n")).await;
    }
}

#[tokio::test]
async fn a_request_body_reaches_the_service_while_it_is_being_sent() {
    let (heard, mut reached) = mpsc::channel(8);
    let script = move |mut peer: Peer, _| {
        let heard = heard.clone();
        async move {
            peer.hear_head().await;
            for piece in ["first", "second"] {
                peer.hear_until(piece).await;
                heard.send(piece).await.unwrap();
            }
            peer.hear_until("0\r\n\r\n").await;
            peer.say("HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for piece in ["first", "second"] {
        peer.say(&format!("{:x}\r\n{piece}\r\n", piece.len())).await;
        assert_eq!(reached.recv().await, Some(piece));
    }
    peer.say("0\r\n\r\n").await;
    assert!(peer.hear_head().await.starts_with("http/1.1 204"));
}

#[tokio::test]
async fn connections_to_a_service_are_kept_and_used_again() {
    let script = |mut peer: Peer, _| async move {
        loop {
            peer.hear_head().await;
            peer.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        }
    };
    let (address, connections) = service(script).await;
    let gateway = gateway(&[("/", address)]).await;
    let mut peer = Peer::connect(gateway.address).await;
    for _ in 0..20 {
        peer.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        peer.hear_until("\r\n\r\nok").await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
