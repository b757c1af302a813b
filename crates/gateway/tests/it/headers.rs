//! What happens to headers on the way.

use tokio::sync::mpsc;

use crate::{Peer, Running, gateway, service};

/// A gateway before a service that hands over the heads it hears and answers with these headers.
async fn overheard(answer_headers: &'static str) -> (Running, mpsc::Receiver<String>) {
    let (heads, heard) = mpsc::channel(8);
    let script = move |mut peer: Peer, _| {
        let heads = heads.clone();
        async move {
            loop {
                heads.send(peer.hear_head().await).await.unwrap();
                peer.say(&format!("HTTP/1.1 200 OK\r\n{answer_headers}content-length: 2\r\n\r\nok")).await;
            }
        }
    };
    (gateway(&[("/", service(script).await.0)]).await, heard)
}

#[tokio::test]
async fn the_service_learns_who_asked_for_what() {
    let (gateway, mut heard) = overheard("").await;
    gateway.get("/a/b?c=d").await;
    let head = heard.recv().await.unwrap();
    assert!(head.starts_with("get /a/b?c=d http/1.1\r\n"), "{head}");
    for line in [
        "host: shop.example",
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-host: shop.example",
        "x-forwarded-proto: http",
        "forwarded: for=127.0.0.1;host=\"shop.example\";proto=http",
        "via: 1.1 tradewind",
    ] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line} is missing in {head}");
    }
    assert!(head.contains("\r\nx-request-id: "));
}

#[tokio::test]
async fn what_a_client_claims_to_have_forwarded_is_not_believed() {
    let (gateway, mut heard) = overheard("").await;
    gateway.ask("GET / HTTP/1.1\r\nx-forwarded-for: 6.6.6.6\r\nforwarded: for=6.6.6.6\r\nx-rest:", "").await;
    let head = heard.recv().await.unwrap();
    assert!(!head.contains("6.6.6.6"), "{head}");
}

#[tokio::test]
async fn connection_headers_stay_on_their_connection_in_both_directions() {
    let (gateway, mut heard) = overheard(
        "connection: x-mine\r\nx-mine: 1\r\nkeep-alive: timeout=9\r\nproxy-authentication-info: a=b\r\nx-yours: 2\r\n",
    )
    .await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say(
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: x-private\r\nx-private: 1\r\nte: trailers\r\nx-public: 2\r\n\r\n",
    )
    .await;
    let answer = peer.hear_head().await;
    let head = heard.recv().await.unwrap();
    assert!(!head.contains("x-private") && !head.contains("\r\nte:") && head.contains("x-public: 2"), "{head}");
    assert!(!answer.contains("x-mine") && !answer.contains("keep-alive") && answer.contains("x-yours: 2"), "{answer}");
    assert!(!answer.contains("proxy-"), "{answer}");
    assert!(answer.contains("via: 1.1 tradewind"));
}

#[tokio::test]
async fn a_request_keeps_its_id_on_the_whole_way_and_back() {
    let (gateway, mut heard) = overheard("").await;
    let answer = gateway.ask("GET / HTTP/1.1\r\nx-request-id: mine-1\r\nx-rest:", "").await;
    assert!(heard.recv().await.unwrap().contains("\r\nx-request-id: mine-1\r\n"));
    assert!(answer.contains("x-request-id: mine-1\r\n"), "{answer}");
}
