//! One fetch for many who ask for the same at the same time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tradewind_gateway::cache::{Asked, CacheOptions, Fetch, FetchError, Fetching, Key, OnFailure, Unanswered};

use crate::Headers;
use crate::world::{Got, Reply, World, read, text};

type Asking = JoinHandle<Result<Got, Unanswered>>;

fn ask(world: &Arc<World>, headers: Headers<'static>) -> Asking {
    let world = Arc::clone(world);
    tokio::spawn(async move { world.try_ask("GET", "/", headers).await })
}

/// One that leads, and others that have had the time to begin waiting for it.
async fn ask_together(world: &Arc<World>, count: usize) -> Vec<Asking> {
    let mut all = vec![ask(world, &[])];
    world.until_asked(1).await;
    all.extend((1..count).map(|_| ask(world, &[])));
    tokio::time::sleep(Duration::from_millis(100)).await;
    all
}

async fn all(asking: Vec<Asking>) -> Vec<Got> {
    let mut got = Vec::new();
    for one in asking {
        got.push(one.await.unwrap().unwrap());
    }
    got
}

#[tokio::test]
async fn one_fetch_answers_all() {
    let gate = Arc::new(Semaphore::new(0));
    let reply = Reply::ok("body", &[("cache-control", "max-age=60")]).behind(&gate);
    let world = Arc::new(World::new(move |_| reply.clone()).await);
    let asking = ask_together(&world, 100).await;
    gate.add_permits(1);
    let got = all(asking).await;
    assert!(got.iter().all(|got| got.body == "body"));
    assert_eq!(got.iter().filter(|got| got.did().contains("; collapsed")).count(), 99);
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn a_body_in_pieces_answers_all_when_it_is_whole() {
    let gate = Arc::new(Semaphore::new(1));
    let reply = Reply::ok("", &[("cache-control", "max-age=60")]).streaming(&["one ", "two"]).behind(&gate);
    let world = Arc::new(World::new(move |_| reply.clone()).await);
    let asking = ask_together(&world, 10).await;
    gate.add_permits(2);
    assert!(all(asking).await.iter().all(|got| got.body == "one two"));
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn what_is_for_one_is_not_given_to_another() {
    for directives in ["private, max-age=60", "no-store", "max-age=0", "no-cache"] {
        let gate = Arc::new(Semaphore::new(0));
        let closed = Arc::clone(&gate);
        let world = World::new(move |seen| {
            let reply = Reply::ok(&seen.number.to_string(), &[("cache-control", directives), ("etag", "\"a\"")]);
            if seen.number == 0 { reply.behind(&closed) } else { reply }
        });
        let world = Arc::new(world.await);
        let asking = ask_together(&world, 10).await;
        gate.add_permits(1);
        let mut bodies: Vec<String> = all(asking).await.into_iter().map(|got| got.body).collect();
        bodies.sort_unstable();
        bodies.dedup();
        assert_eq!((bodies.len(), world.asked()), (10, 10), "{directives}");
    }
}

#[tokio::test]
async fn nobody_waits_again_for_what_turned_out_to_be_for_one() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let world = World::new(move |seen| {
        let reply = Reply::ok("", &[("cache-control", "private")]);
        if seen.number == 1 { reply.behind(&closed) } else { reply }
    });
    let world = Arc::new(world.await);
    world.get(&[]).await;
    let slow = ask(&world, &[]);
    world.until_asked(2).await;
    world.get(&[]).await;
    gate.add_permits(1);
    slow.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_variant_is_not_given_to_who_would_have_got_another() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let world = World::new(move |seen| {
        let reply = Reply::ok(seen.header("foo"), &[("cache-control", "max-age=60"), ("vary", "foo")]);
        if seen.number == 0 { reply.behind(&closed) } else { reply }
    });
    let world = Arc::new(world.await);
    let first = ask(&world, &[("foo", "1")]);
    world.until_asked(1).await;
    let (second, third) = (ask(&world, &[("foo", "2")]), ask(&world, &[("foo", "1")]));
    tokio::time::sleep(Duration::from_millis(50)).await;
    gate.add_permits(1);
    for (asking, body) in [(first, "1"), (second, "2"), (third, "1")] {
        assert_eq!(asking.await.unwrap().unwrap().body, body);
    }
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn a_leader_that_fails_is_followed_by_another() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let world = World::new(move |seen| match seen.number {
        0 => Reply::none().behind(&closed),
        _ => Reply::ok("body", &[("cache-control", "max-age=60")]),
    });
    let world = Arc::new(world.await);
    let mut asking = ask_together(&world, 20).await;
    gate.add_permits(1);
    assert!(asking.remove(0).await.unwrap().is_err(), "its own request has failed");
    assert!(all(asking).await.iter().all(|got| got.body == "body"));
    assert_eq!(world.asked(), 2, "one of those who waited has fetched it for all");
}

#[tokio::test]
async fn a_service_that_fails_twice_is_not_asked_by_each() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let world = Arc::new(World::new(move |_| Reply::none().behind(&closed)).await);
    let asking = ask_together(&world, 50).await;
    gate.add_permits(1);
    world.until_asked(2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    gate.add_permits(100);
    for one in asking {
        assert!(matches!(one.await.unwrap(), Err(Unanswered::Failed(_))));
    }
    assert!(world.asked() < 10, "{}", world.asked());
}

#[tokio::test]
async fn a_leader_that_goes_away_is_followed_by_another() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let world = World::new(move |seen| {
        let reply = Reply::ok(&seen.number.to_string(), &[("cache-control", "max-age=60")]);
        if seen.number == 0 { reply.behind(&closed) } else { reply }
    });
    let world = Arc::new(world.await);
    let mut asking = ask_together(&world, 10).await;
    asking.remove(0).abort();
    assert!(all(asking).await.iter().all(|got| got.body == "1"));
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn a_body_whose_client_goes_away_is_read_on_for_the_others() {
    let gate = Arc::new(Semaphore::new(2));
    let reply = Reply::ok("", &[("cache-control", "max-age=60")]).streaming(&["one ", "two"]).behind(&gate);
    let world = Arc::new(World::new(move |_| reply.clone()).await);
    let response = world.head("GET", "/", &[]).await.unwrap();
    let waiting = ask(&world, &[]);
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(response);
    gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().unwrap().body, "one two");
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn those_who_wait_get_what_is_stale_if_the_fetch_fails() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let mut world = World::new(move |seen| match seen.number {
        0 => Reply::ok("old", &[("cache-control", "max-age=10")]),
        _ => Reply::status(503, "", &[]).behind(&closed),
    })
    .await;
    world.policy.on_failure = OnFailure::Stale(Duration::from_secs(60));
    world.get(&[]).await;
    world.later(20);
    let world = Arc::new(world);
    let asking: Vec<_> = (0..20).map(|_| ask(&world, &[])).collect();
    world.until_asked(2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    gate.add_permits(100);
    assert!(all(asking).await.iter().all(|got| got.body == "old"));
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn waiting_is_bounded_in_time_and_in_number() {
    for (waiting_max, waiting_time_ms) in [(1000, 100), (0, 10_000)] {
        let options = CacheOptions {
            waiting_max,
            waiting_time_max: Duration::from_millis(waiting_time_ms),
            ..CacheOptions::default()
        };
        let gate = Arc::new(Semaphore::new(0));
        let closed = Arc::clone(&gate);
        let world = World::with(options, move |seen| {
            let reply = Reply::ok(&seen.number.to_string(), &[("cache-control", "max-age=60")]);
            if seen.number == 0 { reply.behind(&closed) } else { reply }
        });
        let world = Arc::new(world.await);
        let slow = ask(&world, &[]);
        world.until_asked(1).await;
        assert_eq!(ask(&world, &[]).await.unwrap().unwrap().body, "1");
        gate.add_permits(1);
        assert_eq!(slow.await.unwrap().unwrap().body, "0");
    }
}

#[tokio::test]
async fn a_route_may_have_each_fetch_for_itself() {
    let gate = Arc::new(Semaphore::new(0));
    let reply = Reply::ok("", &[("cache-control", "max-age=60")]).behind(&gate);
    let mut world = World::new(move |_| reply.clone()).await;
    world.policy.collapses = false;
    let world = Arc::new(world);
    let asking: Vec<_> = (0..5).map(|_| ask(&world, &[])).collect();
    world.until_asked(5).await;
    gate.add_permits(5);
    all(asking).await;
}

#[tokio::test]
async fn a_leader_whose_own_time_is_over_fails_nobody_else() {
    let world = World::new(move |_| Reply::ok("body", &[("cache-control", "max-age=60")])).await;
    let world = Arc::new(world);
    let (policy, begun) = (Arc::new(world.policy.clone()), Arc::new(Semaphore::new(0)));
    let hurried = |begun: &Arc<Semaphore>| -> Arc<dyn Fetch> {
        let begun = Arc::clone(begun);
        Arc::new(move |_: http::request::Parts| -> Fetching {
            begun.add_permits(1);
            Box::pin(async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err(FetchError::of_who_asks(std::io::Error::other("its deadline is over")))
            })
        })
    };
    let serve = |fetch: Arc<dyn Fetch>| {
        let (cache, policy) = (world.cache.clone(), Arc::clone(&policy));
        let (head, ()) = http::Request::get("/").body(()).unwrap().into_parts();
        let key = Key::new("test", "shop.example", "/");
        let asked =
            Asked { key, head, after: None, parameters: Vec::new(), coding: None, stale_max: None, until: None };
        tokio::spawn(async move { cache.serve(&policy, asked, fetch).await.map(|_| ()) })
    };
    // All but the last are in a hurry, and take the lead one after the other.
    let mut hurrying = vec![serve(hurried(&begun))];
    begun.acquire().await.unwrap().forget();
    hurrying.extend((0..5).map(|_| serve(hurried(&begun))));
    tokio::time::sleep(Duration::from_millis(30)).await;
    let patient = ask(&world, &[]);
    assert_eq!(patient.await.unwrap().expect("it failed by another's deadline").body, "body");
    for one in hurrying {
        let _ = one.await.unwrap();
    }
}

#[tokio::test]
async fn who_is_answered_alone_for_what_it_says_keeps_nobody_from_waiting() {
    let alone: [Headers<'static>; 3] =
        [&[("cookie", "a=b")], &[("authorization", "Bearer a")], &[("cache-control", "no-store")]];
    for headers in alone {
        let gate = Arc::new(Semaphore::new(0));
        let closed = Arc::clone(&gate);
        let mut world = World::new(move |seen| {
            let reply = Reply::ok("body", &[]);
            if seen.number == 0 { reply } else { reply.behind(&closed) }
        })
        .await;
        (world.policy.fresh_for, world.policy.heeds_clients) = (Some(Duration::from_secs(60)), false);
        let world = Arc::new(world);
        assert!(!world.get(headers).await.did().contains("stored"), "{headers:?}");
        let asking: Vec<_> = (0..10).map(|_| ask(&world, &[])).collect();
        world.until_asked(2).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        gate.add_permits(100);
        all(asking).await;
        assert_eq!(world.asked(), 2, "{headers:?}");
    }
}

#[tokio::test]
async fn who_is_told_that_it_asks_wrongly_keeps_nobody_from_waiting() {
    for status in [400, 406, 412, 415] {
        let gate = Arc::new(Semaphore::new(0));
        let closed = Arc::clone(&gate);
        let world = World::new(move |seen| match seen.number {
            0 => Reply::status(status, "", &[]).behind(&closed),
            _ => Reply::ok("body", &[("cache-control", "max-age=60")]).behind(&closed),
        });
        let world = Arc::new(world.await);
        let mut asking = ask_together(&world, 11).await;
        gate.add_permits(1);
        assert_eq!(asking.remove(0).await.unwrap().unwrap().status, status);
        world.until_asked(2).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        gate.add_permits(100);
        assert!(all(asking).await.iter().all(|got| got.body == "body"));
        assert_eq!(world.asked(), 2, "{status}: one of those who waited has fetched it for all");
    }
}

#[tokio::test]
async fn who_waits_and_goes_away_counts_no_more() {
    let gate = Arc::new(Semaphore::new(0));
    let reply = Reply::ok("body", &[("cache-control", "max-age=60")]).behind(&gate);
    let world = Arc::new(World::new(move |_| reply.clone()).await);
    let text = text(&world);
    let mut asking = ask_together(&world, 3).await;
    world.until(|_| text().contains("cache_waiting 2\n")).await;
    asking.pop().unwrap().abort();
    world.until(|_| text().contains("cache_waiting 1\n")).await;
    gate.add_permits(1);
    all(asking).await;
    assert!(text().contains("cache_waiting 0\n"), "{}", text());
}

/// A world whose second answer stops in the midst of its body, and a client that has got the head of that.
async fn stalled(
    options: CacheOptions,
    others: Reply,
) -> (Arc<World>, Arc<Semaphore>, http::Response<tradewind_gateway::cache::CacheBody>) {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let mut world = World::with(options, move |seen| match seen.number {
        0 => Reply::ok("old", &[("cache-control", "max-age=10")]),
        1 => Reply::ok("", &[("cache-control", "max-age=10")]).streaming(&["one ", "two"]).opening(1).behind(&closed),
        _ => others.clone(),
    })
    .await;
    world.get(&[]).await;
    world.later(20);
    world.policy.on_failure = OnFailure::Stale(Duration::from_secs(60));
    world.within = Some(Duration::from_secs(1));
    let leader = world.head("GET", "/", &[]).await.unwrap();
    (Arc::new(world), gate, leader)
}

#[tokio::test]
async fn a_leader_whose_client_does_not_read_leaves_the_others_time_to_ask() {
    let reply = Reply::ok("new", &[("cache-control", "max-age=10")]);
    let (world, gate, leader) = stalled(CacheOptions::default(), reply).await;
    let asking = (0..20).map(|_| ask(&world, &[])).collect();
    for got in all(asking).await {
        assert_eq!((got.status, &got.body[..], got.reused.and_then(|reused| reused.stale_for)), (200, "new", None));
    }
    assert_eq!(world.asked(), 3, "one of those who waited has asked for all");
    gate.add_permits(1);
    assert_eq!(read(leader).await.unwrap().body, "one two");
}

#[tokio::test]
async fn who_has_waited_for_too_long_gets_what_is_stale() {
    let gate = Arc::new(Semaphore::new(0));
    let never = Reply::ok("new", &[]).behind(&gate);
    let (world, _gate, _leader) = stalled(CacheOptions::default(), never).await;
    let text = text(&world);
    let got = all((0..3).map(|_| ask(&world, &[])).collect()).await;
    assert!(got.iter().all(|got| got.body == "old" && got.did().contains("detail=stale-if-error")), "{got:?}");
    assert!(text().contains("cache_waiting 0\n"), "{}", text());
    assert!(matches!(world.try_ask("GET", "/other", &[]).await, Err(Unanswered::TooLate)), "nothing is stored for it");
    assert!(text().contains("result=\"Failed\"} 1\n"), "{}", text());
    assert!(matches!(world.try_ask("DELETE", "/", &[]).await, Err(Unanswered::TooLate)), "nothing stands in for that");
}

#[tokio::test]
async fn who_would_not_be_answered_with_the_same_does_not_wait() {
    let options = CacheOptions { waiting_time_max: Duration::from_secs(60), ..CacheOptions::default() };
    let gate = Arc::new(Semaphore::new(0));
    let reply = Reply::ok("body", &[("cache-control", "max-age=60")]).behind(&gate);
    let world = Arc::new(World::with(options, move |_| reply.clone()).await);
    let told: [Headers<'static>; 4] = [
        &[],
        &[("x-forwarded-host", "a"), ("x-forwarded-proto", "https")],
        &[("x-forwarded-host", "b"), ("x-forwarded-proto", "https")],
        &[("x-forwarded-prefix", "a"), ("x-forwarded-proto", "https")],
    ];
    let asking: Vec<_> = told.iter().chain(&told).map(|headers| ask(&world, headers)).collect();
    world.until_asked(told.len()).await;
    gate.add_permits(100);
    all(asking).await;
    assert_eq!(world.asked(), told.len(), "and the others do");
}
