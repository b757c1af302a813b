//! Active health: instances are asked how they are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tradewind_gateway::{Balance, BreakerOptions, HealthCheck, NoAnswer, UpstreamOptions};

use crate::calling::{OK, get, one_try, policy, upstream};
use crate::{Peer, service};

/// A service that says how it is at `/health`, and counts all other requests.
async fn healthy_while(well: Arc<AtomicBool>) -> (SocketAddr, Arc<AtomicUsize>) {
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let script = move |mut peer: Peer, _| {
        let (heard, well) = (Arc::clone(&counter), Arc::clone(&well));
        async move {
            loop {
                let head = peer.hear_head().await;
                let asked = head.starts_with("get /health ");
                let status = if asked && !well.load(Ordering::SeqCst) { "503 Sick" } else { "200 OK" };
                heard.fetch_add(usize::from(!asked), Ordering::SeqCst);
                peer.say(&format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok")).await;
            }
        }
    };
    (service(script).await.0, heard)
}

fn options() -> UpstreamOptions {
    let health = HealthCheck {
        interval: Duration::from_millis(50),
        timeout: Duration::from_millis(500),
        unhealthy_after: 3,
        healthy_after: 3,
        ..HealthCheck::at("/health")
    };
    // Health alone decides who gets something, however slow an answer was on a busy machine.
    let balance = Balance { noise: Duration::from_secs(10), ..Balance::default() };
    UpstreamOptions { health: Some(health), balance, ..UpstreamOptions::default() }
}

#[tokio::test]
async fn who_says_that_it_is_sick_gets_nothing_until_it_is_well() {
    let well = Arc::new(AtomicBool::new(true));
    let (changing, heard) = healthy_while(Arc::clone(&well)).await;
    let (other, _) = healthy_while(Arc::new(AtomicBool::new(true))).await;
    let upstream = upstream(&[changing, other], options());
    let of_forty = async || {
        let before = heard.load(Ordering::SeqCst);
        for _ in 0..40 {
            assert_eq!(get(&upstream, &policy()).await.unwrap().0, 200);
        }
        heard.load(Ordering::SeqCst) - before
    };
    assert!(of_forty().await > 0);
    well.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(of_forty().await, 0);
    well.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(of_forty().await > 0);
}

#[tokio::test]
async fn a_new_one_that_is_sick_is_known_by_its_first_answer() {
    let ((sick, heard), (good, _)) =
        (healthy_while(Arc::default()).await, healthy_while(Arc::new(AtomicBool::new(true))).await);
    let mut options = options();
    options.health = options.health.map(|check| HealthCheck { interval: Duration::from_secs(60), ..check });
    let upstream = upstream(&[good], options);
    upstream.start();
    tokio::time::sleep(Duration::from_millis(100)).await;
    upstream.set_addresses([good, sick]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    for _ in 0..30 {
        assert_eq!(get(&upstream, &one_try()).await.unwrap().0, 200);
    }
    assert_eq!(heard.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn when_all_are_sick_all_are_asked_rather_than_none() {
    let (sick, heard) = healthy_while(Arc::default()).await;
    let upstream = upstream(&[sick], options());
    upstream.start();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(get(&upstream, &one_try()).await.unwrap().0, 200);
    assert_eq!(heard.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn one_that_is_well_again_gets_its_chance_though_the_breaker_is_open() {
    let well = Arc::new(AtomicBool::new(true));
    let known = Arc::clone(&well);
    // It breaks off as long as it is not well, but for saying so.
    let script = move |mut peer: Peer, _| {
        let well = Arc::clone(&known);
        async move {
            while let Some(head) = peer.hear_head_or_end().await {
                match (head.starts_with("get /health "), well.load(Ordering::SeqCst)) {
                    (_, true) => peer.say(OK).await,
                    (true, false) => peer.say("HTTP/1.1 503 Sick\r\ncontent-length: 0\r\n\r\n").await,
                    (false, false) => return,
                }
            }
        }
    };
    let breaker = BreakerOptions { minimum: 5, open: Duration::from_secs(60), ..BreakerOptions::default() };
    let upstream = upstream(&[service(script).await.0], UpstreamOptions { breaker, ..options() });
    assert_eq!(get(&upstream, &one_try()).await.unwrap().0, 200);
    well.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(400)).await;
    while !matches!(get(&upstream, &one_try()).await, Err(NoAnswer::BreakerOpen { .. })) {}
    well.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(600)).await;
    for _ in 0..10 {
        assert_eq!(get(&upstream, &one_try()).await.unwrap().0, 200);
    }
}
