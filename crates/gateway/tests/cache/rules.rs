//! Rules that change while answers are stored under them, and several for the same target.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use tokio::sync::Semaphore;
use tradewind_gateway::cache::{CachePolicy, OnFailure, Purge, PurgeEffect};

use crate::world::{Reply, World};

const EXPLICIT: &[(&str, &str)] = &[("cache-control", "max-age=60")];

fn tagged(policy: &mut CachePolicy) {
    policy.tags = vec!["all".parse().unwrap()];
}

#[tokio::test]
async fn what_was_stored_without_a_tag_is_not_given_where_there_is_one() {
    let mut world = World::answering(EXPLICIT).await;
    world.get(&[]).await;
    tagged(&mut world.policy);
    let got = world.get(&[]).await;
    assert!(got.did().contains("fwd=stale") && got.did().contains("detail=rule"), "{}", got.did());
    assert!(world.get(&[]).await.is_hit());
    let (source, tags) = ("origin".into(), vec!["all".to_owned()]);
    assert_eq!(world.cache.purge(&Purge { source, tags, position: None, effect: PurgeEffect::Drop }), 1);
    assert!(!world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn what_counts_is_what_is_in_the_stored_answer() {
    type Change = fn(&mut CachePolicy);
    let shorter: Change = |policy| policy.fresh_for = Some(Duration::from_secs(5));
    let changes: [(Change, bool, bool); 7] = [
        (tagged, false, false),
        (|policy| policy.tag_header = Some(HeaderName::from_static("cache-tag")), false, false),
        (|policy| policy.source = "other".into(), false, false),
        (|policy| policy.tells_positions = false, false, false),
        (shorter, true, false),
        (|policy| policy.on_failure = OnFailure::Stale(Duration::from_secs(5)), true, true),
        (|policy| policy.name = "other".into(), true, true),
    ];
    for (number, (change, explicit, implicit)) in changes.into_iter().enumerate() {
        for (headers, hit) in [(EXPLICIT, explicit), (&[][..], implicit)] {
            let mut world = World::answering(headers).await;
            world.policy.fresh_for = Some(Duration::from_secs(60));
            world.get(&[]).await;
            world.later(1);
            change(&mut world.policy);
            assert_eq!(world.get(&[]).await.is_hit(), hit, "{number} {headers:?}");
            assert!(world.get(&[]).await.is_hit(), "{number} {headers:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_of_another_rule_is_not_renewed_as_one_of_this() {
    let mut world = World::new(|seen| match seen.header("if-none-match") {
        "" => Reply::ok("", &[("cache-control", "max-age=60"), ("etag", "\"a\"")]),
        _ => Reply::status(304, "", &[("etag", "\"a\"")]),
    })
    .await;
    world.get(&[]).await;
    world.policy.tag_header = Some(HeaderName::from_static("cache-tag"));
    world.get(&[]).await;
    assert_eq!(world.seen()[1].header("if-none-match"), "", "the tags of this are not in the other");
}

#[tokio::test]
async fn two_rules_for_one_target_do_not_push_out_each_other() {
    let mut world = World::answering(&[("cache-control", "max-age=60"), ("vary", "foo")]).await;
    for round in 0..5 {
        for tags in [vec![], vec!["all".parse().unwrap()]] {
            world.policy.tags = tags;
            assert_eq!(world.get(&[("foo", "1")]).await.is_hit(), round > 0);
        }
    }
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn what_no_rule_wants_any_more_goes() {
    let mut world = World::answering(EXPLICIT).await;
    world.get(&[]).await;
    tagged(&mut world.policy);
    world.get(&[]).await;
    let both = world.cache.bytes();
    world.later(100);
    world.get(&[]).await;
    assert!(world.cache.bytes() < both, "{} of {both}", world.cache.bytes());
}

#[tokio::test]
async fn it_stands_in_for_a_failure_as_far_as_this_rule_allows() {
    for (on_failure, allowed) in [
        (OnFailure::Error, false),
        (OnFailure::Stale(Duration::from_secs(5)), false),
        (OnFailure::Stale(Duration::from_secs(20)), true),
    ] {
        for headers in [EXPLICIT, &[("cache-control", "max-age=1")]] {
            let mut world = World::new(move |seen| match seen.number {
                0 => Reply::ok("old", headers),
                _ => Reply::status(503, "", &[]),
            })
            .await;
            world.get(&[]).await;
            world.later(10);
            tagged(&mut world.policy);
            world.policy.on_failure = on_failure;
            let got = world.get(&[]).await;
            assert_eq!(got.status, if allowed { 200 } else { 503 }, "{on_failure:?} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_fetch_that_began_under_another_rule_is_none_of_this() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let mut world = World::new(move |seen| {
        let reply = Reply::ok(&seen.number.to_string(), EXPLICIT);
        if seen.number == 0 { reply.behind(&closed) } else { reply }
    })
    .await;
    let before = world.policy.clone();
    tagged(&mut world.policy);
    let world = Arc::new(world);
    let slow = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.get_under(&before).await.body }
    });
    world.until_asked(1).await;
    assert_eq!(world.get(&[]).await.body, "1", "it does not wait for what lacks its tags");
    gate.add_permits(1);
    assert_eq!(slow.await.unwrap(), "0");
    let got = world.get(&[]).await;
    assert_eq!((&got.body[..], got.is_hit()), ("1", true));
}
