//! One deadline for a request, over all tries and on to the service.

use std::time::{Duration, Instant};

use http::Method;
use tradewind_gateway::{CallPolicy, Deadline, NoAnswer, RetryPolicy, UpstreamOptions};

use crate::calling::{policy, request, silent, upstream};
use crate::{Peer, TIMEOUTS, gateway, service, status_of};

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
