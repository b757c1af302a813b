//! Services that die, hang, dawdle and break off.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tradewind_gateway::{BreakerOptions, CallPolicy, Limits, Protocol, Route, RouteTable, Uploads, UpstreamOptions};

use crate::calling::{policy, upstream};
use crate::{Peer, Running, gateway, gateway_before, service, status_of};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn a_service_that_is_down_is_told_with_a_time_to_come_again() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = gateway(&[("/", gone)]).await;
    for method in ["GET", "POST"] {
        let answer = gateway.ask(&format!("{method} /"), "").await;
        assert_eq!(status_of(&answer), 503);
        assert!(answer.contains("retry-after: 1\r\n") && answer.contains("\"TW-3002\""), "{answer}");
    }
}

#[tokio::test]
async fn people_get_a_page_and_programs_get_problem_details() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = gateway(&[("/shop", gone)]).await;
    let accepting = async |method: &str, path: &str, kinds: &str| {
        gateway.ask(&format!("{method} {path} HTTP/1.1\r\naccept: {kinds}\r\nx-rest:"), "").await
    };
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = accepting("GET", "/shop", browser).await;
    assert_eq!(status_of(&page), 503);
    assert!(
        page.contains("content-type: text/html; charset=utf-8\r\n") && page.contains("retry-after: 1\r\n"),
        "{page}"
    );
    assert!(page.contains("TW-3002") && page.contains("http-equiv=\"refresh\"") && page.contains("starting"), "{page}");
    assert!(page.contains("prefers-color-scheme: dark") && !page.contains("http://") && !page.contains("https://"));
    let nothing = accepting("GET", "/elsewhere", browser).await;
    assert!(status_of(&nothing) == 404 && nothing.contains("<h1>") && !nothing.contains("refresh"), "{nothing}");
    assert!(!nothing.contains("elsewhere"), "a path is a stranger's text: {nothing}");
    for (method, kinds) in
        [("GET", "application/json"), ("GET", "*/*"), ("GET", "text/html;q=0, */*"), ("POST", browser)]
    {
        let answer = accepting(method, "/shop", kinds).await;
        assert!(answer.contains("application/problem+json"), "{method} {kinds}: {answer}");
    }
}

#[tokio::test]
async fn a_service_that_comes_back_soon_costs_a_wait_and_no_error() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = gateway(&[("/", address)]).await;
    let late = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let mut peer = Peer(listener.accept().await.unwrap().0);
        peer.hear_until("the order").await;
        peer.say(OK).await;
    });
    assert_eq!(status_of(&gateway.ask("POST /", "the order").await), 200);
    late.await.unwrap();
}

/// A service that answers the first request of a connection and closes it, silently, when the second comes: what a
/// restart looks like to a kept connection. It counts the requests that it has seen.
async fn closing_on_the_second() -> (SocketAddr, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let script = move |mut peer: Peer, _| {
        let seen = Arc::clone(&counter);
        async move {
            peer.hear_head().await;
            seen.fetch_add(1, Ordering::SeqCst);
            peer.say(OK).await;
            peer.hear_head().await;
            seen.fetch_add(1, Ordering::SeqCst);
        }
    };
    (service(script).await.0, seen)
}

#[tokio::test]
async fn a_dead_kept_connection_never_costs_a_repeatable_request() {
    let (address, seen) = closing_on_the_second().await;
    let gateway = gateway(&[("/", address)]).await;
    for _ in 0..10 {
        assert_eq!(status_of(&gateway.get("/").await), 200);
    }
    assert!(seen.load(Ordering::SeqCst) > 10, "no connection was kept, so nothing was tested");
    let keyed = "POST / HTTP/1.1\r\nidempotency-key: \"1\"\r\nx-rest:";
    for _ in 0..4 {
        assert_eq!(status_of(&gateway.ask(keyed, "").await), 200);
    }
}

#[tokio::test]
async fn a_request_that_may_have_been_carried_out_is_not_repeated() {
    let (address, seen) = closing_on_the_second().await;
    let gateway = gateway(&[("/", address)]).await;
    assert_eq!(status_of(&gateway.ask("POST /", "").await), 200);
    let answer = gateway.ask("POST /", "").await;
    assert_eq!(status_of(&answer), 502);
    assert!(answer.contains("\"TW-3002\"") && answer.contains("may have been carried out"), "{answer}");
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_service_that_always_breaks_off_is_tried_twice_and_no_more() {
    let script = |mut peer: Peer, _| async move {
        peer.hear_head().await;
    };
    let (address, connections) = service(script).await;
    let gateway = gateway(&[("/", address)]).await;
    assert_eq!(status_of(&gateway.get("/").await), 502);
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_service_that_hangs_costs_a_bounded_time() {
    let script = |mut peer: Peer, _| async move {
        peer.hear_rest().await;
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let begun = Instant::now();
    let answer = gateway.get("/").await;
    assert_eq!(status_of(&answer), 504);
    assert!(answer.contains("\"TW-3003\""), "{answer}");
    assert!((Duration::from_millis(400)..Duration::from_secs(3)).contains(&begun.elapsed()));
}

#[tokio::test]
async fn a_slow_upload_does_not_count_against_the_service() {
    let script = |mut peer: Peer, _| async move {
        peer.hear_until("end").await;
        peer.say(OK).await;
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 8\r\n\r\n").await;
    for piece in ["1", "2", "3", "4", "5"] {
        tokio::time::sleep(Duration::from_millis(250)).await;
        peer.say(piece).await;
    }
    peer.say("end").await;
    assert_eq!(status_of(&peer.hear_rest().await), 200);
}

/// A gateway whose clients may be silent for 300 ms, which 100 bytes a second make good, before a service that is soon left
/// alone if it fails.
pub(crate) async fn hasty(address: SocketAddr, protocol: Protocol) -> Running {
    let uploads = Uploads { silence: Duration::from_millis(300), bytes_per_second: 100 };
    let breaker = BreakerOptions { minimum: 5, ..BreakerOptions::default() };
    let calls = Some(Arc::new(CallPolicy { uploads, ..policy() }));
    let options = UpstreamOptions { breaker, calls, protocol, ..UpstreamOptions::default() };
    let route = Route::new("/", upstream(&[address], options)).unwrap();
    // Who goes on sending after the answer is not listened to for long.
    let limits = Limits { unread_within: Duration::from_secs(1), ..Limits::default() };
    gateway_before(RouteTable::new(vec![route]).unwrap(), limits).await
}

/// A figure of the only instance.
pub(crate) async fn figure_of(gateway: &Running, name: &str, address: SocketAddr) -> f64 {
    let figures = gateway.get("/_gateway/metrics").await;
    let begin = format!("tradewind_gateway_{name}{{service=\"test\",endpoint=\"{address}\"}} ");
    let line = figures.lines().find_map(|line| line.strip_prefix(&begin));
    line.unwrap_or_else(|| panic!("no {name} in {figures}")).parse().unwrap()
}

#[tokio::test]
async fn a_client_that_stops_sending_is_told_so_and_its_service_is_not_to_blame() {
    let script = |mut peer: Peer, _| async move {
        while peer.hear_head_or_end().await.is_some_and(|head| head.starts_with("get")) {
            peer.say(OK).await;
        }
        peer.hear_rest().await;
    };
    let (address, connections) = service(script).await;
    let gateway = hasty(address, Protocol::Http1).await;
    let clients = ["POST", "PUT"].into_iter().flat_map(|method| ["", "some"].map(|sent| (method, sent)));
    let clients: Vec<_> = (0..3)
        .flat_map(|_| clients.clone())
        .map(|(method, sent)| {
            let address = gateway.address;
            tokio::spawn(async move {
                let begun = Instant::now();
                let mut peer = Peer::connect(address).await;
                peer.say(&format!("{method} / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n{sent}")).await;
                (peer.hear_rest().await, begun.elapsed())
            })
        })
        .collect();
    for client in clients {
        let (answer, took) = client.await.unwrap();
        assert!(status_of(&answer) == 408 && answer.contains("\"TW-3004\""), "{answer}");
        assert!((Duration::from_millis(290)..Duration::from_secs(3)).contains(&took), "{took:?}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 12, "something was sent again");
    assert!(figure_of(&gateway, "endpoint_bad_total", address).await == 0.0);
    assert!(figure_of(&gateway, "endpoint_latency_seconds", address).await == 0.0);
    assert!(figure_of(&gateway, "endpoint_in_flight", address).await == 0.0);
    assert_eq!(status_of(&gateway.get("/").await), 200);
}

#[tokio::test]
async fn a_client_that_drips_is_told_so_too() {
    let script = |mut peer: Peer, _| async move {
        peer.hear_rest().await;
    };
    let address = service(script).await.0;
    let gateway = hasty(address, Protocol::Http1).await;
    let begun = Instant::now();
    let (mut from, mut to) = Peer::connect(gateway.address).await.0.into_split();
    to.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n").await.unwrap();
    let dripping = tokio::spawn(async move {
        while to.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    });
    let mut answer = String::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), from.read_to_string(&mut answer)).await.expect("no end");
    assert!(status_of(&answer) == 408 && begun.elapsed() > Duration::from_millis(300), "{answer}");
    // It goes on, but the service has been rid of it.
    assert!(figure_of(&gateway, "endpoint_in_flight", address).await == 0.0 && !dripping.is_finished());
    dripping.abort();
}

#[tokio::test]
async fn a_service_that_takes_nothing_of_a_body_is_too_slow_itself() {
    let script = |mut peer: Peer, _| async move {
        peer.hear_head().await;
        tokio::time::sleep(Duration::from_secs(20)).await;
    };
    let address = service(script).await.0;
    let gateway = hasty(address, Protocol::Http1).await;
    let (mut from, mut to) = Peer::connect(gateway.address).await.0.into_split();
    // More than all systems on the way put up with.
    let length = 64 << 20;
    to.write_all(format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n").as_bytes()).await.unwrap();
    let sending = tokio::spawn(async move { to.write_all(&vec![b'x'; length]).await });
    let mut answer = String::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), from.read_to_string(&mut answer)).await.expect("no end");
    assert!(status_of(&answer) == 504 && answer.contains("\"TW-3003\""), "{answer}");
    sending.abort();
    assert!(figure_of(&gateway, "endpoint_bad_total", address).await == 1.0);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_seen_to_be_incomplete() {
    let script = |mut peer: Peer, number| async move {
        peer.hear_head().await;
        let framing = if number == 0 { "content-length: 100" } else { "transfer-encoding: chunked" };
        let body = if number == 0 { "only this" } else { "9\r\nonly this\r\n" };
        peer.say(&format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{body}")).await;
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let counted = gateway.get("/").await;
    assert!(counted.contains("content-length: 100") && counted.ends_with("only this"), "{counted}");
    let chunked = gateway.get("/").await;
    assert!(chunked.contains("only this") && !chunked.ends_with("0\r\n\r\n"), "{chunked}");
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_request_to_the_service() {
    let (gone, mut told) = tokio::sync::mpsc::channel(1);
    let script = move |mut peer: Peer, _| {
        let gone = gone.clone();
        async move {
            peer.hear_head().await;
            peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n").await;
            peer.hear_rest().await;
            gone.send(()).await.unwrap();
        }
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    peer.hear_until("one").await;
    drop(peer);
    tokio::time::timeout(Duration::from_secs(5), told.recv()).await.expect("the service was left waiting");
}

#[tokio::test]
async fn an_answer_that_breaks_off_with_its_clients_body_is_not_the_services_fault() {
    let script = |mut peer: Peer, _| async move {
        peer.hear_head().await;
        peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nheard\r\n").await;
        peer.hear_rest().await;
    };
    let (address, connections) = service(script).await;
    let gateway = gateway(&[("/", address)]).await;
    for number in 1..=5 {
        let mut peer = Peer::connect(gateway.address).await;
        peer.say("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\n55555\r\n").await;
        peer.hear_until("heard").await;
        peer.say("no chunk\r\n").await;
        peer.hear_rest().await;
        assert_eq!(connections.load(Ordering::SeqCst), number);
    }
    let figures = gateway.get("/_gateway/metrics").await;
    let count =
        |what: &str, number| format!("endpoint_{what}_total{{service=\"test\",endpoint=\"{address}\"}} {number}\n");
    assert!(figures.contains(&count("good", 5)) && figures.contains(&count("bad", 0)), "{figures}");
}
