//! Stored answers, and those who would like to choose what others get: over the wire, through the whole gateway.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tradewind_events::SystemClock;
use tradewind_gateway::cache::{Cache, CacheOptions, CachePolicy};
use tradewind_gateway::{Gateway, Network, Options, Plan, Policies, Route, RouteTable, Upstream};

use crate::acting::{body, header, ok};
use crate::{Peer, Running, TIMEOUTS, service};

/// A service that says what it was told, and how much of a body came with it.
async fn gullible() -> std::net::SocketAddr {
    let script = |mut peer: Peer, _| async move {
        while let Some(head) = peer.hear_head_or_end().await {
            let mut said = String::new();
            if head.contains("transfer-encoding: chunked") {
                said = peer.hear_until("0\r\n\r\n").await;
            } else if let Some((_, rest)) = head.split_once("content-length: ") {
                let length: usize = rest.split("\r\n").next().unwrap().parse().unwrap();
                for _ in 0..length {
                    said.push(char::from(peer.0.read_u8().await.unwrap()));
                }
            }
            let told = |name: &str| header(&head, name).to_owned();
            let text = format!("{} {} {said}", told("x-forwarded-host"), told("x-forwarded-proto"));
            let text = format!("{text:<1200}");
            peer.say(&ok("cache-control: max-age=60\r\netag: \"a\"\r\n", &text)).await;
        }
    };
    service(script).await.0
}

async fn caching(trusts: bool, compresses: bool) -> Running {
    let upstream = Upstream::new("test", [gullible().await]);
    let cache = Some(Arc::new(CachePolicy::new("test", upstream.name())));
    let mut route = Route::new("/", upstream).unwrap();
    route.policies = Arc::new(Policies { cache, compress: compresses, ..Policies::default() });
    // Packing may take its time here.
    let limits = CacheOptions { packing_time_max: Duration::from_secs(20), ..CacheOptions::default() };
    let cache = Some(Cache::new(limits, Arc::new(SystemClock)));
    let plan = Plan { routes: RouteTable::new(vec![route]).unwrap(), cache, ..Plan::default() };
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    options.timeouts = TIMEOUTS;
    options.trusted.extend(trusts.then(|| "127.0.0.0/8".parse::<Network>().unwrap()));
    let gateway = Gateway::bind(options, plan).await.unwrap();
    let (address, handle) = (gateway.address(), gateway.handle());
    let shutdown = tokio_util::sync::CancellationToken::new();
    let ended = tokio::spawn(gateway.run(shutdown.clone()));
    Running { address, handle, shutdown, ended }
}

async fn ask(gateway: &Running, first: &str, lines: &str) -> String {
    let mut peer = Peer::connect(gateway.address).await;
    peer.say(&format!("{first} HTTP/1.1\r\nconnection: close\r\n{lines}\r\n")).await;
    peer.hear_rest().await
}

fn is_hit(answer: &str) -> bool {
    header(answer, "cache-status").starts_with("tradewind; hit")
}

#[tokio::test]
async fn what_a_stranger_says_of_those_before_him_is_nothing() {
    let gateway = caching(false, false).await;
    let lines = "host: shop.example\r\nx-forwarded-host: evil.example\r\nx-forwarded-proto: gopher\r\n";
    let first = ask(&gateway, "GET /", lines).await;
    assert!(body(&first).starts_with("shop.example http "), "{first}");
    assert!(is_hit(&ask(&gateway, "GET /", "host: shop.example\r\n").await), "it is the same for all");
}

#[tokio::test]
async fn what_a_trusted_proxy_says_belongs_to_the_answer() {
    let gateway = caching(true, false).await;
    for (lines, said) in [
        ("x-forwarded-host: a.example\r\nx-forwarded-proto: https\r\n", "a.example https "),
        ("x-forwarded-host: a.example\r\nx-forwarded-proto: http\r\n", "a.example http "),
        ("x-forwarded-host: evil.example\r\n", "evil.example http "),
        ("", "shop.example http "),
    ] {
        for hit in [false, true] {
            let answer = ask(&gateway, "GET /", &format!("host: shop.example\r\n{lines}")).await;
            assert_eq!((body(&answer).starts_with(said), is_hit(&answer)), (true, hit), "{lines}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_body_with_a_get_is_answered_by_the_service_and_for_nobody_else() {
    let gateway = caching(false, false).await;
    for body_lines in ["content-length: 4\r\n\r\nevil", "transfer-encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n"] {
        for method in ["GET", "HEAD"] {
            let answer = ask(&gateway, &format!("{method} /"), &format!("host: shop.example\r\n{body_lines}")).await;
            assert!(method == "HEAD" || answer.contains("evil"), "{answer}");
            assert!(!is_hit(&answer), "{answer}");
        }
    }
    for hit in [false, true] {
        let answer = ask(&gateway, "GET /", "host: shop.example\r\n").await;
        assert_eq!((answer.contains("evil"), is_hit(&answer)), (false, hit), "{answer}");
    }
}

#[tokio::test]
async fn hosts_are_the_same_in_any_case_and_form_and_no_other_host_is() {
    let gateway = caching(false, false).await;
    ask(&gateway, "GET /a", "host: shop.example\r\n").await;
    for (first, host) in
        [("GET /a", "Shop.EXAMPLE"), ("GET http://shop.example/a", "shop.example"), ("GET /a#part", "shop.example")]
    {
        let answer = ask(&gateway, first, &format!("host: {host}\r\n")).await;
        assert!(is_hit(&answer), "{first} {host}: {answer}");
    }
    for (first, host) in [("GET /a", "other.example"), ("GET /a", "shop.example:81"), ("GET /a?", "shop.example")] {
        let answer = ask(&gateway, first, &format!("host: {host}\r\n")).await;
        assert!(!is_hit(&answer), "{first} {host}: {answer}");
    }
    let refused = ask(&gateway, "GET http://evil.example/a", "host: shop.example\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
}

#[tokio::test]
async fn what_is_stored_is_packed_once_and_told_as_what_it_is() {
    let gateway = caching(false, true).await;
    let lines = "host: shop.example\r\naccept-encoding: gzip\r\n";
    let mut answers = Vec::new();
    for _ in 0..3 {
        let mut peer = Peer::connect(gateway.address).await;
        peer.say(&format!("GET / HTTP/1.1\r\nconnection: close\r\n{lines}\r\n")).await;
        let head = peer.hear_head().await;
        let mut packed = Vec::new();
        peer.0.read_to_end(&mut packed).await.unwrap();
        answers.push((head, packed));
    }
    assert!(answers[0].0.contains("etag: w/\"a\"\r\n"), "on its way: {}", answers[0].0);
    for (head, packed) in &answers[1..] {
        assert!(head.contains("content-encoding: gzip\r\n") && head.contains("etag: \"a--gzip-"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", packed.len())), "{head}");
        assert_eq!(head.matches("vary: accept-encoding\r\n").count(), 1, "{head}");
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
        assert!(text.starts_with("shop.example http "), "{text}");
    }
    let etag = header(&answers[1].0, "etag").to_owned();
    let known = ask(&gateway, "GET /", &format!("{lines}if-none-match: {etag}\r\n")).await;
    assert!(known.starts_with("HTTP/1.1 304") && header(&known, "etag") == etag, "{known}");
    let own = ask(&gateway, "GET /", "host: shop.example\r\n").await;
    assert_eq!((header(&own, "etag"), header(&own, "content-encoding"), is_hit(&own)), ("\"a\"", "", true), "{own}");
    assert_eq!(header(&own, "vary"), "accept-encoding");
}

#[tokio::test]
async fn who_calls_the_host_an_affair_of_the_connection_is_answered_for_that_host_all_the_same() {
    let gateway = caching(false, false).await;
    ask(&gateway, "GET /a", "connection: host\r\nhost: evil.example\r\n").await;
    for hit in [false, true] {
        let answer = ask(&gateway, "GET /a", "connection: host\r\nhost: shop.example\r\n").await;
        assert_eq!((body(&answer).starts_with("shop.example http "), is_hit(&answer)), (true, hit), "{answer}");
    }
}
