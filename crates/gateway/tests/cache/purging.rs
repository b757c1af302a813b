//! Purging by tags, by hand and by events.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use tokio::sync::Semaphore;
use tradewind_events::Position;
use tradewind_gateway::cache::{CacheOptions, OnFailure, Purge, PurgeEffect, TagTemplate, TagTemplateError};

use crate::Headers;
use crate::world::{Reply, World, read};

fn purge(tags: &[&str]) -> Purge {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Purge { source: "origin".into(), tags, position: None, effect: PurgeEffect::Drop }
}

fn purge_at(tag: &str, position: u64) -> Purge {
    Purge { position: Some(Position(position)), ..purge(&[tag]) }
}

async fn tagged(answer: Headers<'_>) -> World {
    let mut all = vec![("cache-control", "max-age=60")];
    all.extend(answer);
    let mut world = World::answering(&all).await;
    world.policy.tags = vec!["product:{id}".parse().unwrap(), "all".parse().unwrap()];
    world.policy.tag_header = Some(HeaderName::from_static("cache-tag"));
    world.parameters = vec![("id".to_owned(), "7".to_owned())];
    world
}

#[test]
fn templates_are_checked_when_they_are_read() {
    for good in ["a", "product:{id}", "{a}{b}", "{a}-{b_2}"] {
        assert_eq!(good.parse::<TagTemplate>().unwrap().to_string(), good);
    }
    for (bad, why) in [
        ("", TagTemplateError::Empty),
        ("a{", TagTemplateError::Brace("a{".into())),
        ("a}", TagTemplateError::Brace("a}".into())),
        ("{a}}", TagTemplateError::Brace("{a}}".into())),
        ("{}", TagTemplateError::Parameter(String::new())),
        ("{a b}", TagTemplateError::Separator("{a b}".into())),
        ("a,b", TagTemplateError::Separator("a,b".into())),
        ("{a.b}", TagTemplateError::Parameter("a.b".into())),
    ] {
        assert_eq!(bad.parse::<TagTemplate>(), Err(why));
    }
    let template: TagTemplate = "order:{order}/{line}".parse().unwrap();
    assert_eq!(template.parameters().collect::<Vec<_>>(), ["order", "line"]);
    let parameter = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(template.fill(&[parameter("line", "2"), parameter("order", "1")]), ["order:1/2"]);
    assert_eq!(template.fill(&[parameter("order", "1")]), Vec::<String>::new());
    let several = [parameter("order", "1"), parameter("line", "2"), parameter("order", "3")];
    assert_eq!(template.fill(&several), ["order:1/2", "order:3/2"], "a tag for each value");
}

#[tokio::test]
async fn what_carries_a_tag_goes_with_it_and_nothing_else() {
    for (tag, purged) in
        [("product:7", 1), ("all", 1), ("a", 1), ("b", 1), ("c", 1), ("product:8", 0), ("product:{id}", 0), ("A", 0)]
    {
        let world = tagged(&[("cache-tag", "a, b"), ("cache-tag", "c")]).await;
        let first = world.get(&[]).await;
        assert_eq!(first.header("cache-tag"), "", "it is for the cache");
        assert_eq!(world.cache.purge(&purge(&[tag])), purged, "{tag}");
        let second = world.get(&[]).await;
        assert_eq!((second.is_hit(), second.header("cache-tag")), (purged == 0, ""), "{tag}");
    }
}

#[tokio::test]
async fn what_has_taken_the_place_of_another_still_goes_with_its_tags() {
    let mut world = World::new(|seen| match seen.header("if-none-match") {
        "" => Reply::ok(seen.header("foo"), &[("cache-control", "max-age=60"), ("etag", "\"a\""), ("vary", "foo")]),
        _ => Reply::status(304, "", &[("cache-control", "max-age=60")]),
    })
    .await;
    world.policy.tags = vec!["a".parse().unwrap()];
    world.get(&[("foo", "1")]).await;
    world.later(100);
    assert!(world.get(&[("foo", "1")]).await.did().contains("fwd-status=304"), "renewed");
    world.get(&[("foo", "2")]).await;
    assert_eq!(world.cache.purge(&purge(&["a"])), 2, "and beside another");
    for foo in ["1", "2"] {
        assert!(!world.get(&[("foo", foo)]).await.is_hit());
    }
}

#[tokio::test]
async fn a_header_counts_only_for_routes_that_want_it() {
    let mut world = tagged(&[("cache-tag", "a")]).await;
    world.policy.tag_header = None;
    assert_eq!(world.get(&[]).await.header("cache-tag"), "a");
    assert_eq!(world.cache.purge(&purge(&["a"])), 0);
    assert!(world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn what_was_on_its_way_when_it_was_purged_is_not_stored() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let mut world = World::new(move |seen| match seen.number {
        0 => Reply::ok("old", &[("cache-control", "max-age=60")]).behind(&closed),
        _ => Reply::ok("new", &[("cache-control", "max-age=60")]),
    })
    .await;
    world.policy.tags = vec!["a".parse().unwrap()];
    let world = Arc::new(world);
    let ask = || {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.get(&[]).await.body })
    };
    let leader = ask();
    world.until_asked(1).await;
    let waiting = ask();
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.cache.purge(&purge(&["a"]));
    gate.add_permits(1);
    assert_eq!(leader.await.unwrap(), "old");
    assert_eq!(waiting.await.unwrap(), "new", "what those who wait get is not older than the purge");
    assert!(world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn an_answer_that_shows_the_event_stays_and_one_that_does_not_is_not_stored() {
    let world = tagged(&[("tradewind-position", "10")]).await;
    world.get(&[]).await;
    assert_eq!(world.cache.purge(&purge_at("product:7", 10)), 0);
    assert!(world.get(&[]).await.is_hit());
    assert_eq!(world.cache.purge(&purge_at("product:7", 11)), 1);
    for _ in 0..3 {
        let lagging = world.get(&[]).await;
        assert_eq!((lagging.status, lagging.is_hit()), (200, false), "the service has not met the event yet");
    }
    let other = Purge { source: "other".into(), ..purge_at("product:7", 1) };
    let world = tagged(&[("tradewind-position", "10")]).await;
    world.get(&[]).await;
    assert_eq!(world.cache.purge(&other), 1, "positions of another service say nothing");
    world.get(&[]).await;
    assert!(world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn what_is_forgotten_of_purges_makes_the_cache_stricter() {
    let options = CacheOptions { purges_max: 2, ..CacheOptions::default() };
    let mut world =
        World::with(options, |_| Reply::ok("", &[("cache-control", "max-age=60"), ("tradewind-position", "10")])).await;
    world.policy.tags = vec!["a".parse().unwrap()];
    for (tag, position) in [("a", 11), ("b", 5), ("c", 5), ("d", 5)] {
        world.cache.purge(&purge_at(tag, position));
    }
    world.get(&[]).await;
    assert!(!world.get(&[]).await.is_hit(), "the purge of `a` is forgotten, but not that there was one at 11");
    world.policy.tags = vec!["never".parse().unwrap()];
    world.get(&[]).await;
    assert!(!world.get(&[]).await.is_hit(), "and so nothing older than 11 is stored");
}

#[tokio::test]
async fn what_is_made_stale_is_asked_about_and_stays_for_when_the_service_fails() {
    let mut world = World::new(|seen| match seen.number {
        0 => Reply::ok("old", &[("cache-control", "max-age=60, stale-while-revalidate=60")]),
        1 => Reply::none(),
        _ => Reply::ok("new", &[("cache-control", "max-age=60")]),
    })
    .await;
    world.policy.tags = vec!["a".parse().unwrap()];
    world.policy.on_failure = OnFailure::Stale(Duration::from_secs(100));
    world.get(&[]).await;
    world.later(5);
    assert_eq!(world.cache.purge(&Purge { effect: PurgeEffect::Outdate, ..purge(&["a"]) }), 1);
    world.later(7);
    let got = world.get(&[]).await;
    assert_eq!(&got.body[..], "old", "the service is down");
    assert_eq!(got.reused.unwrap().stale_for, Some(Duration::from_secs(7)), "since the event");
    let got = world.get(&[]).await;
    assert_eq!((&got.body[..], got.is_hit()), ("new", false), "it is not served while it is being revalidated");
    assert!(world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn an_answer_with_too_many_tags_is_not_stored() {
    let options = CacheOptions { tags_max: 2, ..CacheOptions::default() };
    let mut world =
        World::with(options, |_| Reply::ok("", &[("cache-control", "max-age=60"), ("cache-tag", "a b c")])).await;
    world.policy.tag_header = Some(HeaderName::from_static("cache-tag"));
    world.get(&[]).await;
    let second = world.get(&[]).await;
    assert!(!second.is_hit() && second.did().contains("detail=tags"), "{}", second.did());
}

#[tokio::test]
async fn everything_can_be_taken_out() {
    let world = tagged(&[]).await;
    world.get(&[]).await;
    assert!(world.cache.bytes() > 0);
    world.cache.clear();
    assert_eq!((world.cache.bytes(), world.cache.targets()), (0, 0));
    assert!(!world.get(&[]).await.is_hit());
    assert!(world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn who_waits_is_not_given_what_has_just_become_stale() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let mut world = World::new(move |seen| match seen.number {
        0 => Reply::ok("", &[("cache-control", "max-age=60")]).streaming(&["old"]).opening(0).behind(&closed),
        _ => Reply::ok("new", &[("cache-control", "max-age=60")]),
    })
    .await;
    world.policy.tags = vec!["all".parse().unwrap()];
    let world = Arc::new(world);
    let leader = world.head("GET", "/", &[]).await.unwrap();
    let waiting = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.get(&[]).await.body }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    gate.add_permits(1);
    assert_eq!(read(leader).await.unwrap().body, "old");
    // On this one thread, who waits has not been told of it yet.
    let purge = Purge { effect: PurgeEffect::Outdate, ..purge(&["all"]) };
    assert_eq!(world.cache.purge(&purge), 1);
    assert_eq!(waiting.await.unwrap(), "new");
}

/// An answer with the tags `a` and `b`, whose service says when it is asked again that it is still so, with others.
async fn renewed(options: CacheOptions, tags: &'static str) -> World {
    let mut world = World::with(options, move |seen| match seen.header("if-none-match") {
        "" => Reply::ok("", &[("cache-control", "max-age=60"), ("etag", "\"a\""), ("cache-tag", "a, b")]),
        _ => Reply::status(304, "", &[("cache-control", "max-age=60"), ("cache-tag", tags)]),
    })
    .await;
    world.policy.tags = vec!["all".parse().unwrap()];
    world.policy.tag_header = Some(HeaderName::from_static("cache-tag"));
    world.get(&[]).await;
    world.later(100);
    world
}

#[tokio::test]
async fn what_is_renewed_goes_with_the_tags_that_were_told_with_that() {
    for (tag, purged) in [("a", 1), ("c", 1), ("all", 1), ("b", 0)] {
        let world = renewed(CacheOptions::default(), "a, c").await;
        assert!(world.get(&[]).await.did().contains("fwd-status=304; stored"));
        assert_eq!(world.cache.purge(&purge(&[tag])), purged, "{tag}");
        assert_eq!(world.get(&[]).await.is_hit(), purged == 0, "{tag}");
    }
    let world = renewed(CacheOptions { tags_max: 3, ..CacheOptions::default() }, "a b c d").await;
    let got = world.get(&[]).await;
    assert!(got.did().contains("detail=tags") && !got.did().contains("; stored"), "{}", got.did());
}

#[tokio::test]
async fn what_is_renewed_and_was_purged_meanwhile_is_not_told_to_be_stored() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let mut world = World::new(move |seen| match seen.header("if-none-match") {
        "" => Reply::ok("", &[("cache-control", "max-age=60"), ("etag", "\"a\"")]),
        _ => Reply::status(304, "", &[("cache-control", "max-age=60")]).behind(&closed),
    })
    .await;
    world.policy.tags = vec!["all".parse().unwrap()];
    world.get(&[]).await;
    world.later(100);
    let world = Arc::new(world);
    let renewing = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.get(&[]).await }
    });
    world.until_asked(2).await;
    assert_eq!(world.cache.purge(&purge(&["all"])), 1);
    gate.add_permits(1);
    let got = renewing.await.unwrap();
    assert!(got.did().contains("fwd-status=304") && !got.did().contains("; stored"), "{}", got.did());
    assert_eq!(world.cache.targets(), 0);
}
