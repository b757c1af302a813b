use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tradewind_events::{Position, SystemClock, Timestamp};

use super::purge::Floors;
use super::tags::Tag;
use super::*;

/// Asks for a target whose answer has two tags: the target's own, and one that all have.
async fn ask(cache: &Cache, target: &str) {
    begin(cache, target).await.into_body().collect().await.unwrap();
}

async fn begin(cache: &Cache, target: &str) -> Response<CacheBody> {
    let mut policy = CachePolicy::new("test", "origin");
    policy.tags = vec!["target:{target}".parse().unwrap(), "all".parse().unwrap()];
    let (head, ()) = Request::get(target).body(()).unwrap().into_parts();
    let parameters = vec![("target".to_owned(), target.to_owned())];
    let asked = Asked {
        key: Key::new("test", "host", target),
        head,
        after: None,
        parameters,
        coding: None,
        stale_max: None,
        until: None,
    };
    let fetch = |_| -> Fetching {
        Box::pin(async {
            let body = FetchedBody::new(Full::new(Bytes::from(vec![0; 5_000])).map_err(|never| match never {}));
            Ok(Response::builder().header("cache-control", "max-age=60").body(body).unwrap())
        })
    };
    cache.serve(&Arc::new(policy), asked, Arc::new(fetch)).await.unwrap()
}

#[tokio::test]
async fn tags_of_what_is_gone_are_gone_as_well() {
    let options = CacheOptions { bytes_max: 100_000, ..CacheOptions::default() };
    let cache = Cache::new(options, Arc::new(SystemClock));
    for number in 0..200 {
        ask(&cache, &format!("/{number}")).await;
        assert_eq!(cache.0.store.tags_in_index(), cache.targets() + 1, "its own for each, and the one of all");
    }
    assert!((5..20).contains(&cache.targets()));
    let (source, tags) = ("origin".into(), vec!["all".to_owned()]);
    let purge = Purge { source, tags, position: None, effect: PurgeEffect::Drop };
    let stored = cache.targets();
    assert_eq!(cache.purge(&purge), stored);
    assert_eq!((cache.targets(), cache.bytes(), cache.0.store.tags_in_index()), (0, 0, 0));
}

#[test]
fn a_purge_without_a_position_is_not_undone_by_one_that_has() {
    let (mut floors, tag, source) = (Floors::new(10), Tag::from("a"), "origin".into());
    let before = floors.now();
    floors.note(&tag, &source, None);
    let between = floors.now();
    floors.note(&tag, &source, Some(Position(5)));
    let admits = |position, begun| floors.admit([&tag], "origin", position, begun);
    assert!(!admits(Some(Position(9)), before), "its fetch began before the first");
    assert!(admits(Some(Position(9)), between), "it shows the second");
    assert!(!admits(Some(Position(4)), floors.now()), "it does not show the second, however late it was fetched");
    assert!(!admits(None, between));
    assert!(admits(None, floors.now()));
}

/// A clock that looks at a cache whenever it is asked.
#[derive(Debug, Default)]
struct Watching {
    cache: OnceLock<Cache>,
    /// How many flights were open when it was last asked.
    flights: AtomicUsize,
}

impl Clock for Watching {
    fn now(&self) -> Timestamp {
        let flights = self.cache.get().map_or(0, |cache| cache.0.flights.are_under_way());
        self.flights.store(flights, Ordering::Relaxed);
        SystemClock.now()
    }
}

#[tokio::test]
async fn nobody_begins_to_wait_for_what_may_have_been_purged_already() {
    let clock = Arc::new(Watching::default());
    let cache = Cache::new(CacheOptions::default(), Arc::clone(&clock) as Arc<dyn Clock>);
    clock.cache.set(cache.clone()).unwrap();
    let answer = begin(&cache, "/").await;
    assert_eq!(clock.flights.load(Ordering::Relaxed), 1, "whoever asks for the same waits for it");
    answer.into_body().collect().await.unwrap();
    assert_eq!(cache.targets(), 1);
    assert_eq!(clock.flights.load(Ordering::Relaxed), 0, "it was asked for the time before it was stored");
}
