//! A client that has written sees nothing older: by what it says, or by what the gateway remembers of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tradewind_events::SystemClock;
use tradewind_gateway::cache::{Cache, CacheOptions, CachePolicy};
use tradewind_gateway::{Limits, Plan, Policies, PositionsOf, Route, RouteTable};

use crate::acting::{Acting, Does, body, header, ok};
use crate::{Running, gateway_before, status_of};

/// A service with a number that each command raises, which is its position, too.
async fn counting() -> Acting {
    let number = AtomicU64::new(1);
    let script = move |head: &str| {
        let raised = u64::from(head.starts_with("post"));
        let now = number.fetch_add(raised, Ordering::SeqCst) + raised;
        ok(&format!("tradewind-position: {now}\r\n"), &now.to_string())
    };
    Acting::begin(script).await
}

async fn before(acting: &Acting, positions: PositionsOf) -> Running {
    let upstream = acting.upstream("catalog");
    let mut rule = CachePolicy::new("test", "catalog");
    rule.fresh_for = Some(Duration::from_secs(60));
    let policies = |cache| Arc::new(Policies { cache, positions: positions.clone(), ..Policies::default() });
    let mut cached = Route::new("/", upstream.clone()).unwrap();
    cached.policies = policies(Some(Arc::new(rule)));
    let mut plain = Route::new("/plain", upstream).unwrap();
    plain.policies = policies(None);
    let plan = Plan {
        routes: RouteTable::new(vec![cached, plain]).unwrap(),
        cache: Some(Cache::new(CacheOptions::default(), Arc::new(SystemClock))),
        own_writes: Some(Duration::from_secs(600)),
        ..Plan::default()
    };
    gateway_before(plan, Limits::default()).await
}

impl Running {
    async fn saying(&self, request: &str, lines: &str) -> String {
        self.ask(&format!("{request} HTTP/1.1\r\n{lines}x-rest:"), "").await
    }
}

#[tokio::test]
async fn a_position_is_shown_or_the_service_is_asked_for_it() {
    let acting = counting().await;
    let gateway = before(&acting, PositionsOf::Own).await;
    gateway.get("/n").await;
    gateway.saying("GET /n", "tradewind-after: 1\r\n").await;
    assert_eq!(acting.asked(), 1, "what is stored shows it");
    for after in ["2", "catalog=2", "ordering=9, catalog=2"] {
        let asked = acting.asked();
        gateway.saying("GET /n", &format!("tradewind-after: {after}\r\n")).await;
        assert_eq!(acting.asked(), asked + 1, "{after}");
        assert!(acting.last().contains("tradewind-after: 2\r\n"), "{after}: {}", acting.last());
    }
    gateway.saying("GET /plain", "tradewind-after: catalog=3\r\n").await;
    assert!(acting.last().contains("tradewind-after: 3\r\n"), "{}", acting.last());
    let refused = gateway.saying("GET /n", "tradewind-after: soon\r\n").await;
    assert!(status_of(&refused) == 400 && refused.contains("\"TW-3034\""), "{refused}");
}

#[tokio::test]
async fn a_browser_that_has_written_sees_it_and_others_are_not_held_up() {
    let acting = counting().await;
    let gateway = before(&acting, PositionsOf::Own).await;
    assert_eq!(body(&gateway.get("/n").await), "1");
    let posted = gateway.ask("POST /command", "{}").await;
    let cookie = header(&posted, "set-cookie");
    assert_eq!(cookie, "tradewind-after.catalog=2; Path=/; Max-Age=600; HttpOnly; SameSite=Lax");
    assert_eq!(body(&gateway.get("/n").await), "1", "who has not written may be answered what is stored");
    let lines = format!("cookie: a=b; {}\r\n", cookie.split(';').next().unwrap());
    assert_eq!(body(&gateway.saying("GET /n", &lines).await), "2");
    let seen = acting.last();
    assert!(seen.contains("tradewind-after: 2\r\n") && seen.contains("cookie: a=b\r\n"), "{seen}");
    let asked = acting.asked();
    let only_ours = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
    for _ in 0..3 {
        assert_eq!(body(&gateway.saying("GET /plain", &only_ours).await), "2");
        assert!(!acting.last().contains("cookie"), "{}", acting.last());
    }
    assert_eq!(acting.asked(), asked + 3);
    acting.does(Does::Fails);
    assert_eq!(header(&gateway.ask("POST /command", "{}").await, "set-cookie"), "", "nothing was written");
}

#[tokio::test]
async fn positions_of_another_service_are_not_taken_for_its_own() {
    let acting = counting().await;
    let cookie = "cookie: tradewind-after.catalog=50; tradewind-after.ordering=1\r\n";
    let gateway = before(&acting, PositionsOf::Of("ordering".into())).await;
    gateway.saying("GET /plain", cookie).await;
    assert!(acting.last().contains("tradewind-after: 1\r\n"), "{}", acting.last());
    let gateway = before(&acting, PositionsOf::Nobody).await;
    gateway.saying("GET /plain", cookie).await;
    assert!(!acting.last().contains("tradewind-after"), "{}", acting.last());
    assert_eq!(header(&gateway.ask("POST /command", "{}").await, "set-cookie"), "");
    gateway.saying("GET /plain", "tradewind-after: 5\r\n").await;
    assert!(acting.last().contains("tradewind-after: 5\r\n"), "what the client says itself is its own affair");
}

#[tokio::test]
async fn however_busy_the_cache_is_nobody_sees_less_than_they_wrote() {
    let acting = counting().await;
    let gateway = Arc::new(before(&acting, PositionsOf::Own).await);
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (gateway, done) = (Arc::clone(&gateway), Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(status_of(&gateway.get("/n").await), 200);
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let gateway = Arc::clone(&gateway);
            tokio::spawn(async move {
                let mut cookie = String::new();
                for _ in 0..50 {
                    let posted = gateway.saying("POST /command", &cookie).await;
                    let written: u64 = header(&posted, "tradewind-position").parse().unwrap();
                    let set = header(&posted, "set-cookie").split(';').next().unwrap().to_owned();
                    cookie = format!("cookie: {set}\r\n");
                    let read: u64 = body(&gateway.saying("GET /n", &cookie).await).parse().unwrap();
                    assert!(read >= written, "read {read} after having written {written}");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test]
async fn nobody_keeps_the_gateway_from_telling_a_service_what_it_must_show() {
    let acting = counting().await;
    let gateway = before(&acting, PositionsOf::Own).await;
    let lines = "connection: tradewind-after\r\ncookie: tradewind-after.catalog=1\r\n";
    gateway.saying("GET /plain", lines).await;
    assert!(acting.last().contains("tradewind-after: 1\r\n"), "{}", acting.last());
}
