//! Clients over HTTP/2 that take nothing of what they have asked for, or little.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::time::sleep;
use tradewind_gateway::Limits;

use crate::frames::{CANCEL, Client, End, INITIAL_WINDOW_SIZE, RST_STREAM};
use crate::{Peer, gateway_with, service};

/// A service that says more than fits between it and a client that does not read, and counts what it could not say.
async fn talkative() -> (SocketAddr, Arc<AtomicUsize>) {
    let cut = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&cut);
    let script = move |mut peer: Peer, _| {
        let cut = Arc::clone(&counted);
        async move {
            while let Some(head) = peer.hear_head_or_end().await {
                let bytes = if head.starts_with("get /large") { 32 << 20 } else { 2 };
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
                let answer = [head.as_bytes(), &vec![b'x'; bytes]].concat();
                if peer.0.write_all(&answer).await.is_err() {
                    cut.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
        }
    };
    (service(script).await.0, cut)
}

#[tokio::test]
async fn an_answer_of_which_its_client_takes_nothing_is_not_kept() {
    let (address, cut) = talkative().await;
    let limits = Limits { stalled_max: Duration::from_millis(500), ..Limits::default() };
    let gateway = gateway_with(&[("/", address)], limits).await;
    let mut client = Client::connect(gateway.address, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    for stream in [1, 3, 5] {
        client.get(stream, "/large").await;
    }
    client.get(7, "/_gateway/routes").await;
    let mut reset = BTreeSet::new();
    while reset.len() < 4 {
        let frame = client.hear().await.expect("the connection goes on");
        if frame.kind == RST_STREAM {
            assert_eq!(frame.payload, CANCEL.to_be_bytes());
            reset.insert(frame.stream);
        }
    }
    assert_eq!(reset, [1, 3, 5, 7].into());
    let begun = Instant::now();
    while cut.load(Ordering::SeqCst) < 3 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the service is still waited for");
        sleep(Duration::from_millis(10)).await;
    }
    // The connection goes on, for who reads.
    client.get(9, "/").await;
    client.give_room(9, 100).await;
    assert_eq!(client.end_of(9).await, End::Answered(200, 2));
}

#[tokio::test]
async fn who_reads_slowly_or_is_told_little_gets_the_whole_answer() {
    let script = |mut peer: Peer, _| async move {
        while let Some(head) = peer.hear_head_or_end().await {
            peer.say("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await;
            peer.say(&"x".repeat(50_000)).await;
            if head.contains("/halting") {
                sleep(Duration::from_millis(2_500)).await;
            }
            peer.say(&"x".repeat(50_000)).await;
        }
    };
    let limits = Limits { stalled_max: Duration::from_millis(1_500), ..Limits::default() };
    let gateway = gateway_with(&[("/", service(script).await.0)], limits).await;
    let halting = async {
        let mut client = Client::connect(gateway.address, &[(INITIAL_WINDOW_SIZE, 1 << 20)]).await;
        client.give_room(0, 1 << 20).await;
        client.get(1, "/halting").await;
        assert_eq!(client.end_of(1).await, End::Answered(200, 100_000));
    };
    let slow = async {
        let mut client = Client::connect(gateway.address, &[(INITIAL_WINDOW_SIZE, 0)]).await;
        client.give_room(0, 1 << 20).await;
        client.get(1, "/slow").await;
        // Over three seconds, twice as long as somebody may take nothing.
        for _ in 0..13 {
            client.give_room(1, 8_000).await;
            sleep(Duration::from_millis(250)).await;
        }
        assert_eq!(client.end_of(1).await, End::Answered(200, 100_000));
    };
    tokio::join!(halting, slow);
}
