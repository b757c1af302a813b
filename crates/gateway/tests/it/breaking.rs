//! The circuit breaker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tradewind_gateway::{BreakerOptions, NoAnswer, Route, RouteTable, UpstreamOptions};

use crate::calling::{OK, get, one_try, reaches, saying, silent, upstream};
use crate::{Limits, Peer, gateway_before, service, status_of};

/// A service that breaks off until it is well, and counts what it hears.
async fn sick_until(well: Arc<AtomicBool>) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let script = move |mut peer: Peer, _| {
        let (heard, well) = (Arc::clone(&counter), Arc::clone(&well));
        async move {
            peer.hear_head().await;
            heard.fetch_add(1, Ordering::SeqCst);
            if well.load(Ordering::SeqCst) {
                peer.say("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await;
            }
        }
    };
    (service(script).await.0, heard)
}

fn quick() -> UpstreamOptions {
    let breaker =
        BreakerOptions { minimum: 10, open: Duration::from_millis(400), probes: 2, ..BreakerOptions::default() };
    UpstreamOptions { breaker, ..UpstreamOptions::default() }
}

#[tokio::test]
async fn a_service_that_fails_is_left_alone_tried_and_taken_back() {
    let well = Arc::new(AtomicBool::new(false));
    let (address, heard) = sick_until(Arc::clone(&well)).await;
    let upstream = upstream(&[address], quick());
    for _ in 0..10 {
        assert_eq!(get(&upstream, &one_try()).await, Err(NoAnswer::Broken));
    }
    for _ in 0..10 {
        let refused = get(&upstream, &one_try()).await;
        assert!(matches!(refused, Err(NoAnswer::BreakerOpen { .. })), "{refused:?}");
    }
    assert_eq!(heard.load(Ordering::SeqCst), 10, "it was not left alone");

    tokio::time::sleep(Duration::from_millis(450)).await;
    assert_eq!(get(&upstream, &one_try()).await, Err(NoAnswer::Broken), "a probe");
    let refused = get(&upstream, &one_try()).await;
    let Err(NoAnswer::BreakerOpen { retry_after }) = refused else { panic!("{refused:?}") };
    assert!(retry_after > Duration::from_millis(500), "twice as long as before: {retry_after:?}");

    well.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(850)).await;
    for _ in 0..30 {
        assert_eq!(get(&upstream, &one_try()).await.unwrap().0, 200);
    }
}

#[tokio::test]
async fn clients_are_told_with_a_code_and_a_time() {
    let (address, _) = sick_until(Arc::default()).await;
    let upstream = upstream(&[address], quick());
    let table = RouteTable::new(vec![Route::new("/", upstream).unwrap()]).unwrap();
    let gateway = gateway_before(table, Limits::default()).await;
    for _ in 0..10 {
        assert_eq!(status_of(&gateway.get("/").await), 502);
    }
    let answer = gateway.get("/").await;
    assert_eq!(status_of(&answer), 503);
    assert!(answer.contains("\"TW-3021\"") && answer.contains("retry-after: 1\r\n"), "{answer}");
    let metrics = gateway.get("/_gateway/metrics").await;
    for line in [
        "tradewind_gateway_breaker_opened_total{service=\"test\"} 1",
        "tradewind_gateway_breaker_refused_total{service=\"test\"} 1",
        "tradewind_gateway_breaker_open{service=\"test\"} 1",
        &format!("tradewind_gateway_endpoint_in_flight{{service=\"test\",endpoint=\"{address}\"}} 0"),
    ] {
        assert!(metrics.contains(line), "no {line} in {metrics}");
    }
    assert_eq!(metrics.matches("# EOF").count(), 1, "{metrics}");
}

#[tokio::test]
async fn a_new_instance_gets_its_chance_at_once() {
    let (address, _) = sick_until(Arc::default()).await;
    let upstream = upstream(&[address], quick());
    for _ in 0..11 {
        let _ = get(&upstream, &one_try()).await;
    }
    assert!(matches!(get(&upstream, &one_try()).await, Err(NoAnswer::BreakerOpen { .. })));
    upstream.set_addresses([saying(OK).await.0]);
    assert_eq!(get(&upstream, &one_try()).await.unwrap().0, 200);
}

#[tokio::test]
async fn an_instance_that_was_started_again_gets_its_chance_at_once() {
    let well = Arc::new(AtomicBool::new(false));
    let (address, heard) = sick_until(Arc::clone(&well)).await;
    let mut options = quick();
    options.breaker.open = Duration::from_secs(60);
    let upstream = upstream(&[address], options);
    for _ in 0..11 {
        let _ = get(&upstream, &one_try()).await;
    }
    well.store(true, Ordering::SeqCst);
    upstream.set_addresses([address]);
    assert!(matches!(get(&upstream, &one_try()).await, Err(NoAnswer::BreakerOpen { .. })), "nobody knows it yet");
    upstream.is_back(address);
    for _ in 0..10 {
        assert_eq!(get(&upstream, &one_try()).await.unwrap().0, 200);
    }
    assert_eq!(heard.load(Ordering::SeqCst), 20);

    well.store(false, Ordering::SeqCst);
    for _ in 0..11 {
        let _ = get(&upstream, &one_try()).await;
    }
    upstream.is_back(address);
    assert_eq!(get(&upstream, &one_try()).await, Err(NoAnswer::Broken), "it is not what it was said to be");
    assert!(matches!(get(&upstream, &one_try()).await, Err(NoAnswer::BreakerOpen { .. })));
}

#[tokio::test]
async fn no_more_is_under_way_than_may_be() {
    let (address, heard, _) = silent().await;
    let breaker = BreakerOptions { in_flight_at_most: 3, ..BreakerOptions::default() };
    let upstream = upstream(&[address], UpstreamOptions { breaker, ..UpstreamOptions::default() });
    let under_way: Vec<_> = (0..3)
        .map(|_| {
            let upstream = upstream.clone();
            tokio::spawn(async move { get(&upstream, &one_try()).await })
        })
        .collect();
    reaches(&heard, 3).await;
    assert_eq!(get(&upstream, &one_try()).await, Err(NoAnswer::Busy));
    for one in under_way {
        assert_eq!(one.await.unwrap(), Err(NoAnswer::Timeout));
    }
    assert_eq!(get(&upstream, &one_try()).await, Err(NoAnswer::Timeout), "there is room again");
}

#[tokio::test]
async fn a_probe_that_is_given_up_leaves_room_for_another() {
    let well = Arc::new(AtomicBool::new(false));
    let (address, _) = sick_until(Arc::clone(&well)).await;
    let upstream = upstream(&[address], quick());
    for _ in 0..10 {
        let _ = get(&upstream, &one_try()).await;
    }
    tokio::time::sleep(Duration::from_millis(450)).await;
    for _ in 0..5 {
        let policy = one_try();
        tokio::select! {
            biased;
            answer = get(&upstream, &policy) => panic!("{answer:?}"),
            () = std::future::ready(()) => {}
        }
    }
    well.store(true, Ordering::SeqCst);
    assert_eq!(get(&upstream, &one_try()).await.unwrap().0, 200);
}
