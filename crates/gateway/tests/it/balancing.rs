//! Several instances of one service: who gets what, and what happens while one of them is away.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tradewind_gateway::{Limits, Route, RouteTable, Upstream, UpstreamOptions};

use crate::{Peer, Running, gateway_before, named, service, status_of};

async fn gateway_before_all(instances: &[SocketAddr]) -> (Running, Upstream) {
    // What is under way decides, whatever else keeps the machine busy.
    let mut options = UpstreamOptions::default();
    options.balance.noise = Duration::from_secs(10);
    let upstream = Upstream::with_options("test", instances.iter().copied(), options);
    let table = RouteTable::new(vec![Route::new("/", upstream.clone()).unwrap()]).unwrap();
    (gateway_before(table, Limits::default()).await, upstream)
}

/// Where nobody listens.
fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// An instance that hears the whole of a request and then breaks off. It counts what it has heard.
async fn breaking_off() -> (SocketAddr, Arc<AtomicUsize>) {
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let script = move |mut peer: Peer, _| {
        let heard = Arc::clone(&counter);
        async move {
            peer.hear_head().await;
            heard.fetch_add(1, Ordering::SeqCst);
        }
    };
    (service(script).await.0, heard)
}

#[tokio::test]
async fn all_instances_get_requests() {
    let (gateway, _) = gateway_before_all(&[named("a").await, named("b").await, named("c").await]).await;
    let mut counts = [0; 3];
    for _ in 0..90 {
        let answer = gateway.get("/").await;
        counts[usize::from(answer.as_bytes()[answer.len() - 1] - b'a')] += 1;
    }
    assert!(counts.iter().all(|count| *count > 5), "{counts:?}");
}

#[tokio::test]
async fn who_has_a_long_request_under_way_gets_no_second_one_while_another_is_idle() {
    let slow = |mut peer: Peer, _| async move {
        peer.hear_head().await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nbegun").await;
        peer.hear_rest().await;
    };
    let (busy, connections) = service(slow).await;
    let (gateway, upstream) = gateway_before_all(&[busy]).await;
    let mut long = Peer::connect(gateway.address).await;
    long.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    long.hear_until("begun").await;
    upstream.set_addresses([busy, named("idle").await]);
    for _ in 0..20 {
        assert!(gateway.get("/").await.ends_with("idle"));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_instance_that_cannot_be_reached_costs_nobody_an_error() {
    let (gateway, _) = gateway_before_all(&[nobody(), nobody(), named("a").await]).await;
    for _ in 0..20 {
        assert!(gateway.get("/").await.ends_with("a"));
        // Nothing of it was sent, so it is as harmless as the other.
        assert!(gateway.ask("POST /", "the order").await.ends_with("a"));
    }
}

#[tokio::test]
async fn what_breaks_off_is_asked_of_another_instance_if_that_is_harmless() {
    let (broken, heard) = breaking_off().await;
    let (gateway, _) = gateway_before_all(&[broken, named("a").await]).await;
    for _ in 0..20 {
        assert!(gateway.get("/").await.ends_with("a"));
    }
    assert!(heard.load(Ordering::SeqCst) > 0, "chance never met it");
    let metrics = gateway.get("/_gateway/metrics").await;
    let retried = format!("tradewind_gateway_retries_total{{service=\"test\"}} {}", heard.load(Ordering::SeqCst));
    assert!(metrics.contains(&retried), "{metrics}");
}

#[tokio::test]
async fn what_may_have_been_carried_out_is_asked_of_no_other_instance() {
    let (broken, heard) = breaking_off().await;
    let (gateway, _) = gateway_before_all(&[broken, named("a").await]).await;
    let mut failed = 0;
    for _ in 0..20 {
        match status_of(&gateway.ask("POST /", "").await) {
            200 => {}
            502 => failed += 1,
            other => panic!("{other}"),
        }
    }
    assert!(failed > 0 && failed == heard.load(Ordering::SeqCst));
}

#[tokio::test]
async fn instances_come_and_go_while_it_runs() {
    let (first, second) = (named("first").await, named("second").await);
    let (gateway, upstream) = gateway_before_all(&[first]).await;
    assert!(gateway.get("/").await.ends_with("first"));
    upstream.set_addresses([second]);
    for _ in 0..10 {
        assert!(gateway.get("/").await.ends_with("second"));
    }
    let told = gateway.get("/_gateway/routes").await;
    assert!(told.contains(&format!("\"upstreams\":[\"{second}\"]")), "{told}");

    upstream.set_addresses([]);
    assert_eq!(status_of(&gateway.get("/").await), 503);
    let waiting = gateway.get("/");
    let coming = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        upstream.set_addresses([first]);
    };
    let (answer, ()) = tokio::join!(waiting, coming);
    assert!(answer.ends_with("first"), "{answer}");
}

#[tokio::test]
async fn a_front_passes_everything_to_its_service_and_goes_on_when_the_gateway_has_ended() {
    let (gateway, upstream) = gateway_before_all(&[nobody(), named("a").await]).await;
    let front = gateway.handle.front("127.0.0.1:0".parse().unwrap(), upstream).await.unwrap();
    let (address, stop) = (front.address(), CancellationToken::new());
    let running = tokio::spawn(front.run(stop.clone()));
    let get = async |path: &str| {
        let mut peer = Peer::connect(address).await;
        peer.say(&format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
        peer.hear_rest().await
    };
    for path in ["/feed", "/admin/subscriptions", "/_gateway/metrics"] {
        assert!(get(path).await.ends_with("\r\n\r\na"), "{path}");
    }
    gateway.shutdown.cancel();
    gateway.ended.await.unwrap();
    for _ in 0..10 {
        assert!(get("/feed").await.ends_with("\r\n\r\na"));
    }
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), running).await.unwrap().unwrap();
}
