//! One deadline for a request, over all tries and on to the service.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::Method;
use http_body_util::BodyExt;
use tradewind_gateway::{
    Balance, BreakerOptions, CallPolicy, Deadline, Limits, NoAnswer, Policies, RetryPolicy, Route, RouteTable,
    UpstreamOptions,
};

use crate::calling::{OK, policy, request, saying, silent, upstream};
use crate::{Peer, Running, TIMEOUTS, gateway, gateway_before, service, status_of};

/// Says what it heard of deadlines.
async fn telling() -> std::net::SocketAddr {
    let script = |mut peer: Peer, _| async move {
        loop {
            let head = peer.hear_head().await;
            let told: Vec<&str> =
                head.lines().filter(|line| line.contains("deadline") || line.contains("grpc")).collect();
            let body = told.join(",");
            peer.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
        }
    };
    service(script).await.0
}

#[tokio::test]
async fn the_service_is_told_what_is_left() {
    let gateway = gateway(&[("/", telling().await)]).await;
    let told = async |headers: &str| {
        let answer = gateway.ask(&format!("GET / HTTP/1.1\r\n{headers}\r\nx-rest:"), "").await;
        answer.rsplit("\r\n\r\n").next().unwrap().to_owned()
    };
    assert_eq!(told("x-other: 1").await, "");
    let left: u64 = told("tradewind-deadline: 2000").await["tradewind-deadline: ".len()..].parse().unwrap();
    assert!((1_000..=2_000).contains(&left), "{left}");
    let both = told("grpc-timeout: 3S").await;
    let grpc = both.split("grpc-timeout: ").nth(1).unwrap();
    let left: u64 = grpc.split(['m', ',']).next().unwrap().parse().unwrap();
    assert!((2_000..=3_000).contains(&left), "{both}");
}

#[tokio::test]
async fn a_deadline_that_cannot_be_understood_is_refused() {
    let gateway = gateway(&[("/", telling().await)]).await;
    for header in [
        "tradewind-deadline: soon",
        "tradewind-deadline: -1",
        "tradewind-deadline:",
        "grpc-timeout: 1",
        "grpc-timeout: 123456789S",
    ] {
        let answer = gateway.ask(&format!("GET / HTTP/1.1\r\n{header}\r\nx-rest:"), "").await;
        assert_eq!(status_of(&answer), 400, "{header}");
        assert!(answer.contains("\"TW-3004\""), "{answer}");
    }
}

#[tokio::test]
async fn nobody_waits_beyond_it_however_often_it_is_tried() {
    let ((one, ..), (other, ..)) = (silent().await, silent().await);
    let upstream = upstream(&[one, other], UpstreamOptions::default());
    let retry = RetryPolicy { tries: 100, ..RetryPolicy::default() };
    let policy = CallPolicy { try_timeout: Duration::from_millis(100), retry, ..policy() };
    let begun = Instant::now();
    let answer = upstream.call(request(Method::GET), Deadline::after(Duration::from_millis(250)), &policy).await;
    // The second instance took as long as the first, so there is none to ask any more; or the deadline came first.
    assert!(matches!(answer.unwrap_err(), NoAnswer::Deadline | NoAnswer::Timeout));
    assert!(begun.elapsed() < Duration::from_millis(600), "{:?}", begun.elapsed());

    let begun = Instant::now();
    let over = upstream.call(request(Method::GET), Deadline::after(Duration::ZERO), &policy).await;
    assert_eq!(over.unwrap_err(), NoAnswer::Deadline);
    assert!(begun.elapsed() < Duration::from_millis(100));
}

#[tokio::test]
async fn a_client_with_little_time_gets_an_answer_in_it() {
    let (hanging, ..) = silent().await;
    let gateway = gateway(&[("/", hanging)]).await;
    let begun = Instant::now();
    let answer = gateway.ask("GET / HTTP/1.1\r\ntradewind-deadline: 100\r\nx-rest:", "").await;
    assert_eq!(status_of(&answer), 504);
    assert!(answer.contains("\"TW-3003\"") && begun.elapsed() < TIMEOUTS.response_head, "{answer}");
}

/// A gateway whose route gives this long, before a service that hangs, and whose breaker opens after five.
async fn impatient_with_a_hanging_service(within: Duration) -> Running {
    let breaker = BreakerOptions { minimum: 5, open: Duration::from_secs(60), ..BreakerOptions::default() };
    let options = UpstreamOptions { breaker, ..UpstreamOptions::default() };
    let mut route = Route::new("/", upstream(&[silent().await.0], options)).unwrap();
    route.policies = Arc::new(Policies { deadline: Some(within), ..Policies::default() });
    gateway_before(RouteTable::new(vec![route]).unwrap(), Limits::default()).await
}

#[tokio::test]
async fn a_service_that_hangs_for_as_long_as_its_route_allows_is_left_alone() {
    let gateway = impatient_with_a_hanging_service(Duration::from_millis(100)).await;
    for _ in 0..5 {
        let answer = gateway.get("/").await;
        assert!(status_of(&answer) == 504 && answer.contains("\"TW-3003\""), "{answer}");
    }
    let answer = gateway.get("/").await;
    assert!(status_of(&answer) == 503 && answer.contains("\"TW-3021\""), "{answer}");
}

#[tokio::test]
async fn clients_who_give_little_time_do_not_make_it_left_alone() {
    let gateway = impatient_with_a_hanging_service(Duration::from_millis(200)).await;
    for _ in 0..10 {
        let answer = gateway.ask("GET / HTTP/1.1\r\ntradewind-deadline: 50\r\nx-rest:", "").await;
        assert_eq!(status_of(&answer), 504, "{answer}");
    }
    // Nor do those whose request came so late that the service had hardly any of the route's time.
    for _ in 0..10 {
        let mut peer = Peer::connect(gateway.address).await;
        peer.say("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n\r\n1").await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        peer.say("2").await;
        assert_eq!(status_of(&peer.hear_rest().await), 504);
    }
    // And whoever sends nothing at all is told that it is their request that is late.
    let answer = gateway.ask("POST / HTTP/1.1\r\ncontent-length: 2\r\nx-rest:", "").await;
    assert!(status_of(&answer) == 408 && answer.contains("\"TW-3004\""), "{answer}");
}

#[tokio::test]
async fn an_instance_that_hangs_is_ejected_whoever_set_the_limit_on_this_side() {
    let ((hanging, heard, _), (good, _)) = (silent().await, saying(OK).await);
    // Health alone decides who gets something, however slow an answer was.
    let balance = Balance { noise: Duration::from_secs(10), ..Balance::default() };
    let upstream = upstream(&[hanging, good], UpstreamOptions { balance, ..UpstreamOptions::default() });
    let mut late = 0;
    for _ in 0..60 {
        match upstream.call(request(Method::GET), Deadline::after(Duration::from_millis(60)), &policy()).await {
            Ok(answer) => drop(answer.into_body().collect().await.unwrap()),
            Err(_) => late += 1,
        }
    }
    assert!(late == 5 && heard.load(Ordering::SeqCst) == 5, "{late}");
}
