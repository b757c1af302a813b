//! What is tried again, how often, and what is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::{HeaderValue, Method};
use tradewind_gateway::{
    CallPolicy, ConnectionLimits, Limits, NoAnswer, OutlierDetection, Policies, RetryBudget, RetryPolicy, Route,
    RouteTable, Upstream, UpstreamOptions,
};

use crate::calling::{OK, call, get, policy, request, saying, silent, upstream};
use crate::{Peer, gateway_before, service, status_of};

const TIRED: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 5\r\n\r\ntired";

/// Says 503 first, with this time to come again, and then all is well.
async fn tired_once(retry_after: &'static str) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let script = move |mut peer: Peer, _| {
        let heard = Arc::clone(&counter);
        async move {
            loop {
                peer.hear_head().await;
                let first = heard.fetch_add(1, Ordering::SeqCst) == 0;
                let head = format!("HTTP/1.1 503 Tired\r\nretry-after: {retry_after}\r\ncontent-length: 0\r\n\r\n");
                peer.say(if first { &head } else { OK }).await;
            }
        }
    };
    (service(script).await.0, heard)
}

#[tokio::test]
async fn an_instance_that_is_tired_is_made_good_by_another() {
    let ((tired, heard), (good, _)) = (saying(TIRED).await, saying(OK).await);
    let upstream = upstream(&[tired, good], UpstreamOptions::default());
    for _ in 0..20 {
        assert_eq!(get(&upstream, &policy()).await.unwrap().0, 200);
    }
    assert!(heard.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn when_all_are_tired_the_client_gets_their_own_words() {
    let ((one, first), (other, second)) = (saying(TIRED).await, saying(TIRED).await);
    let upstream = upstream(&[one, other], UpstreamOptions::default());
    assert_eq!(get(&upstream, &policy()).await.unwrap(), (503, "tired".to_owned()));
    assert_eq!((first.load(Ordering::SeqCst), second.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn what_is_not_safe_to_repeat_is_not_and_a_key_makes_it_so() {
    let (tired, heard) = saying(TIRED).await;
    let upstream = upstream(&[tired], UpstreamOptions::default());
    assert_eq!(call(&upstream, request(Method::POST), &policy()).await.unwrap().0, 503);
    assert_eq!(heard.load(Ordering::SeqCst), 1);
    let mut keyed = request(Method::POST);
    keyed.headers_mut().insert("idempotency-key", HeaderValue::from_static("\"1\""));
    assert_eq!(call(&upstream, keyed, &policy()).await.unwrap().0, 503);
    assert_eq!(heard.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for_and_a_long_one_is_the_clients() {
    let patient = CallPolicy {
        retry: RetryPolicy { retry_after_at_most: Duration::from_secs(1), ..RetryPolicy::default() },
        ..policy()
    };
    let (address, heard) = tired_once("1").await;
    let begun = Instant::now();
    assert_eq!(get(&upstream(&[address], UpstreamOptions::default()), &patient).await.unwrap().0, 200);
    assert!(begun.elapsed() >= Duration::from_secs(1) && heard.load(Ordering::SeqCst) == 2);

    let (address, heard) = tired_once("60").await;
    let upstream = upstream(&[address], UpstreamOptions::default());
    assert_eq!(get(&upstream, &patient).await.unwrap().0, 503);
    assert_eq!(heard.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_instance_that_asks_for_a_rest_gets_one_while_there_are_others() {
    let ((tired, heard), (good, _)) = (tired_once("30").await, saying(OK).await);
    let upstream = upstream(&[tired, good], UpstreamOptions::default());
    for _ in 0..60 {
        assert_eq!(get(&upstream, &policy()).await.unwrap().0, 200);
    }
    assert_eq!(heard.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn retries_are_a_part_of_the_requests_and_no_more() {
    let (tired, heard) = saying(TIRED).await;
    let budget = RetryBudget { percent: 10, floor_per_second: 0 };
    let outliers = OutlierDetection { consecutive: 0, percent: 101, ..OutlierDetection::default() };
    let upstream = upstream(&[tired], UpstreamOptions { budget, outliers, ..UpstreamOptions::default() });
    let quick = CallPolicy {
        retry: RetryPolicy { tries: 5, backoff: Duration::from_millis(1), ..RetryPolicy::default() },
        ..policy()
    };
    for _ in 0..200 {
        assert_eq!(get(&upstream, &quick).await.unwrap().0, 503);
    }
    let retries = heard.load(Ordering::SeqCst) - 200;
    assert!((10..=21).contains(&retries), "{retries}");
}

#[tokio::test]
async fn an_instance_that_hangs_costs_a_try_and_no_answer() {
    let ((hanging, heard, gone), (good, _)) = (silent().await, saying(OK).await);
    let upstream = upstream(&[hanging, good], UpstreamOptions::default());
    let quick = CallPolicy { try_timeout: Duration::from_millis(100), ..policy() };
    for _ in 0..30 {
        assert_eq!(get(&upstream, &quick).await.unwrap().0, 200);
    }
    let heard = heard.load(Ordering::SeqCst);
    assert!((1..=4).contains(&heard), "its latency is remembered: {heard}");
    crate::calling::reaches(&gone, heard).await;

    let (hanging, _, _) = silent().await;
    let alone = crate::calling::upstream(&[hanging], UpstreamOptions::default());
    assert_eq!(get(&alone, &quick).await, Err(NoAnswer::Timeout), "no other could be faster");
}

#[tokio::test]
async fn a_route_says_how_often_and_else_its_service() {
    let tries = |tries| {
        let calls = policy();
        Some(Arc::new(CallPolicy { retry: RetryPolicy { tries, ..calls.retry.clone() }, ..calls }))
    };
    let (address, heard) = saying(TIRED).await;
    let spared = upstream(&[address], UpstreamOptions { calls: tries(1), ..UpstreamOptions::default() });
    let usual = upstream(&[address], UpstreamOptions::default());
    let route = |path: &str, to: &Upstream, calls| {
        let mut route = Route::new(path, to.clone()).unwrap();
        route.policies = Arc::new(Policies { calls, ..Policies::default() });
        route
    };
    let routes =
        vec![route("/usual", &usual, None), route("/spared", &spared, None), route("/stubborn", &spared, tries(4))];
    let gateway = gateway_before(RouteTable::new(routes).unwrap(), Limits::default()).await;
    for (path, wanted) in [("/usual", 2), ("/spared", 1), ("/stubborn", 4)] {
        heard.store(0, Ordering::SeqCst);
        assert_eq!(status_of(&gateway.get(path).await), 503);
        assert_eq!(heard.load(Ordering::SeqCst), wanted, "{path}");
    }
}

#[tokio::test]
async fn an_answer_that_is_set_aside_holds_no_connection_that_the_next_try_waits_for() {
    let script = |mut peer: Peer, _| async move {
        peer.hear_head().await;
        peer.say("HTTP/1.1 503 Tired\r\ncontent-length: 16\r\n\r\n{\"wait\"").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        peer.say(":\"a bit\"}").await;
        peer.hear_head().await;
        peer.say(OK).await;
        peer.hear_head().await;
    };
    let (address, connections) = service(script).await;
    let connections_of = ConnectionLimits { at_most: 1, ..ConnectionLimits::default() };
    let upstream = upstream(&[address], UpstreamOptions { connections: connections_of, ..UpstreamOptions::default() });
    let begun = Instant::now();
    assert_eq!(get(&upstream, &policy()).await.unwrap(), (200, "ok".to_owned()));
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    assert_eq!(connections.load(Ordering::SeqCst), 1, "its connection serves again");
}

#[tokio::test]
async fn an_answer_that_cannot_be_set_aside_is_the_clients() {
    // Too much of it, too slow, and broken off.
    for (length, pieces, expected) in [(200_000, 1, Ok(200_000)), (20, 2, Ok(20)), (10, 0, Err(()))] {
        let script = move |mut peer: Peer, number: usize| async move {
            peer.hear_head().await;
            if number > 0 {
                return peer.say(OK).await;
            }
            peer.say(&format!("HTTP/1.1 503 Tired\r\ncontent-length: {length}\r\n\r\n")).await;
            for _ in 0..pieces {
                peer.say(&"x".repeat(length / pieces)).await;
                tokio::time::sleep(Duration::from_millis(800)).await;
            }
        };
        let (address, _) = service(script).await;
        let answer = get(&upstream(&[address], UpstreamOptions::default()), &policy()).await.unwrap();
        match expected {
            Ok(length) => assert_eq!((answer.0, answer.1.len()), (503, length)),
            // It is none, so that it is tried again.
            Err(()) => assert_eq!(answer.0, 200),
        }
    }
}
