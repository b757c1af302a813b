//! Stopping without breaking what is under way.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tradewind_gateway::{Gateway, Options, Timeouts};

use crate::{Peer, Running, TIMEOUTS, gateway, named, service, status_of, table};

#[tokio::test]
async fn what_is_in_flight_is_finished_and_nothing_new_is_taken() {
    let script = |mut peer: Peer, _| async move {
        peer.hear_head().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate").await;
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    gateway.shutdown.cancel();
    let answer = peer.hear_rest().await;
    assert_eq!(status_of(&answer), 200);
    assert!(answer.ends_with("late"));
    tokio::time::timeout(Duration::from_secs(1), gateway.ended).await.unwrap().unwrap();
    assert!(TcpStream::connect(gateway.address).await.is_err());
}

#[tokio::test]
async fn event_streams_end_at_once_and_in_order() {
    let script = |mut peer: Peer, _| async move {
        peer.hear_head().await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").await;
        peer.say("9\r\ndata: 1\n\n\r\n").await;
        peer.hear_rest().await;
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    peer.hear_until("data: 1\n\n").await;
    let begun = Instant::now();
    gateway.shutdown.cancel();
    assert!(peer.hear_rest().await.ends_with("0\r\n\r\n"));
    gateway.ended.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn draining_takes_a_bounded_time() {
    let script = |mut peer: Peer, _| async move {
        peer.hear_head().await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nnever more").await;
        peer.hear_rest().await;
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    peer.hear_until("never more").await;
    gateway.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(4), gateway.ended).await.unwrap().unwrap();
    peer.hear_rest().await;
}

#[tokio::test]
async fn idle_connections_do_not_delay_it() {
    let gateway = gateway(&[("/", named("a").await)]).await;
    let mut used = Peer::connect(gateway.address).await;
    used.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    used.hear_until("\r\n\r\na").await;
    let _unused = Peer::connect(gateway.address).await;
    let begun = Instant::now();
    gateway.shutdown.cancel();
    gateway.ended.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn for_a_while_it_is_not_ready_and_serves_as_before() {
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    options.timeouts = Timeouts { unready: Duration::from_millis(600), ..TIMEOUTS };
    let gateway = Gateway::bind(options, table(&[("/", named("a").await)])).await.unwrap();
    let (address, handle, shutdown) = (gateway.address(), gateway.handle(), CancellationToken::new());
    let ended = tokio::spawn(gateway.run(shutdown.clone()));
    let gateway = Running { address, handle, shutdown, ended };
    assert_eq!(status_of(&gateway.get("/_gateway/health/ready").await), 200);
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    peer.hear_until("\r\n\r\na").await;
    let begun = Instant::now();
    gateway.shutdown.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let unready = gateway.get("/_gateway/health/ready").await;
    assert!(status_of(&unready) == 503 && unready.ends_with("draining\n"), "{unready}");
    assert_eq!(status_of(&gateway.get("/").await), 200, "those who have not looked yet are served");
    peer.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    peer.hear_until("\r\n\r\na").await;
    gateway.ended.await.unwrap();
    assert!((600..2_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    assert!(TcpStream::connect(gateway.address).await.is_err());
}
