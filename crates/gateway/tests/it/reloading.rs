//! Another plan is put in place while requests are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use tradewind_gateway::{Limits, Policies, RateKey, RateLimit, Route, RouteTable, Upstream};

use crate::{Peer, gateway, gateway_before, named, service, status_of, table};

#[tokio::test]
async fn no_request_is_lost_when_the_plan_changes_under_load() {
    let (one, other) = (named("one").await, named("other").await);
    let gateway = Arc::new(gateway(&[("/", one)]).await);
    let (done, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients = (0..16).map(|_| {
        let (gateway, done, answers) = (Arc::clone(&gateway), Arc::clone(&done), Arc::clone(&answers));
        tokio::spawn(async move {
            let mut peer = Peer::connect(gateway.address).await;
            while !done.load(Ordering::Relaxed) {
                // One connection lives through all plans.
                peer.say("GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await;
                let head = peer.hear_head().await;
                assert_eq!(status_of(&head), 200, "{head}");
                let length = if head.contains("content-length: 3") { 3 } else { 5 };
                let mut name = vec![0; length];
                tokio::io::AsyncReadExt::read_exact(&mut peer.0, &mut name).await.unwrap();
                assert!(name == b"one" || name == b"other");
                answers.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    for round in 0..200 {
        let address = if round % 2 == 0 { other } else { one };
        gateway.handle.replace(table(&[("/", address), ("/other", one)]));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert!(answers.load(Ordering::Relaxed) > 1_000, "too few requests to show anything: {answers:?}");
}

#[tokio::test]
async fn what_is_under_way_goes_on_with_the_plan_that_it_began_with() {
    let script = |mut peer: Peer, _| async move {
        peer.hear_head().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nslow").await;
    };
    let gateway = gateway(&[("/", service(script).await.0)]).await;
    let new = table(&[("/elsewhere", named("new").await)]);
    let (answer, ()) = tokio::join!(gateway.get("/"), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        gateway.handle.replace(new);
        assert_eq!(status_of(&gateway.get("/").await), 404);
    });
    assert!(answer.ends_with("slow"), "{answer}");
}

#[tokio::test]
async fn what_was_counted_stays_counted() {
    let upstream = Upstream::new("test", [named("a").await]);
    let plan = |requests| {
        // A route that it is counted for, and one that has nothing to do with it.
        let other = Route::new("/other", upstream.clone()).unwrap();
        let rate = RateLimit::new("all", RateKey::Address, requests, Duration::from_secs(60)).ok();
        let mut route = Route::new("/", upstream.clone()).unwrap();
        route.policies = Arc::new(Policies { rate, ..Policies::default() });
        RouteTable::new(vec![route, other]).unwrap()
    };
    let gateway = gateway_before(plan(1), Limits::default()).await;
    assert_eq!(status_of(&gateway.get("/").await), 200);
    gateway.handle.replace(plan(1));
    assert_eq!(status_of(&gateway.get("/").await), 429);
    gateway.handle.replace(plan(2));
    assert_eq!(status_of(&gateway.get("/").await), 200, "another limit counts anew");
}

/// A limit by address, within a minute.
fn limit(name: &str, requests: u32) -> Option<RateLimit> {
    RateLimit::new(name, RateKey::Address, requests, Duration::from_secs(60)).ok()
}

fn limited(path: &str, upstream: &Upstream, rate: Option<RateLimit>) -> Route {
    let mut route = Route::new(path, upstream.clone()).unwrap();
    route.policies = Arc::new(Policies { rate, ..Policies::default() });
    route
}

#[tokio::test]
async fn routes_of_one_name_go_on_with_their_own_counts_each() {
    let upstream = Upstream::new("test", [named("a").await]);
    for to_post in [1, 2] {
        // Routes are called as their paths, unless somebody gives them names.
        let plan = || {
            let (mut reading, mut writing) = (
                limited("/orders", &upstream, limit("/orders", 1)),
                limited("/orders", &upstream, limit("/orders", to_post)),
            );
            (reading.methods, writing.methods) = (vec![Method::GET], vec![Method::POST]);
            RouteTable::new(vec![reading, writing]).unwrap()
        };
        let gateway = gateway_before(plan(), Limits::default()).await;
        assert_eq!(status_of(&gateway.get("/orders").await), 200);
        gateway.handle.replace(plan());
        assert_eq!(status_of(&gateway.get("/orders").await), 429, "what was counted for it is not lost");
        for _ in 0..to_post {
            assert_eq!(status_of(&gateway.ask("POST /orders", "{}").await), 200, "nor held against another");
        }
        gateway.handle.replace(plan());
        for request in ["GET /orders", "POST /orders"] {
            assert_eq!(status_of(&gateway.ask(request, "").await), 429, "{request} of {to_post}");
        }
    }
}

#[tokio::test]
async fn a_limit_of_all_routes_stays_one_whatever_routes_there_are() {
    let upstream = Upstream::new("test", [named("a").await]);
    let plan = |paths: &[&str]| {
        let rate = limit("all", 3);
        let routes = paths.iter().map(|path| limited(path, &upstream, rate.clone()));
        RouteTable::new(routes.collect()).unwrap()
    };
    let gateway = gateway_before(plan(&["/a"]), Limits::default()).await;
    assert_eq!(status_of(&gateway.get("/a").await), 200);
    gateway.handle.replace(plan(&["/0", "/a", "/b"]));
    assert_eq!(status_of(&gateway.get("/b").await), 200);
    gateway.handle.replace(plan(&["/c", "/d"]));
    assert_eq!(status_of(&gateway.get("/c").await), 200);
    for path in ["/c", "/d"] {
        assert_eq!(status_of(&gateway.get(path).await), 429, "{path}: three have been counted, of all together");
    }
}

#[tokio::test]
async fn two_limits_that_were_one_are_not_counted_together_any_more() {
    let upstream = Upstream::new("test", [named("a").await]);
    let plan = |of_one: Option<RateLimit>, of_other: Option<RateLimit>| {
        let routes = vec![limited("/a", &upstream, of_one), limited("/b", &upstream, of_other)];
        RouteTable::new(routes).unwrap()
    };
    let one = limit("all", 1);
    let gateway = gateway_before(plan(one.clone(), one), Limits::default()).await;
    assert_eq!(status_of(&gateway.get("/a").await), 200);
    gateway.handle.replace(plan(limit("all", 1), limit("all", 1)));
    let mut answers = [status_of(&gateway.get("/a").await), status_of(&gateway.get("/b").await)];
    answers.sort_unstable();
    assert_eq!(answers, [200, 429]);
}
