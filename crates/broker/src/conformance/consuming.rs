//! What a consumer promises.

use std::time::Duration;

use super::given::{Given, all, positions, publish, take, unexpected};
use crate::{StartFrom, Topic};

/// What was published before the group was, and what comes after it.
pub async fn a_group_that_begins_at_the_beginning_gets_everything(given: Given) {
    let mut publisher = given.publisher().await;
    publish(&mut *publisher, 1..=30).await;
    let mut consumer = given.consumer("everything", StartFrom::Beginning).await;
    assert_eq!(positions(&take(&mut *consumer, 30).await), all(1..=30));
    publish(&mut *publisher, 31..=35).await;
    assert_eq!(positions(&take(&mut *consumer, 5).await), all(31..=35));
    assert!(unexpected(&mut *consumer).await.is_empty());
}

/// Nothing of what was before.
pub async fn a_group_that_begins_now_gets_what_comes(given: Given) {
    let mut publisher = given.publisher().await;
    publish(&mut *publisher, 1..=10).await;
    let mut consumer = given.consumer("now", StartFrom::Now).await;
    publish(&mut *publisher, 11..=15).await;
    assert_eq!(positions(&take(&mut *consumer, 5).await), all(11..=15));
    assert!(unexpected(&mut *consumer).await.is_empty());
}

/// What one group has acknowledged, the other still gets.
pub async fn each_group_gets_its_own_copy(given: Given) {
    let mut publisher = given.publisher().await;
    let mut one = given.consumer("one", StartFrom::Now).await;
    let mut other = given.consumer("other", StartFrom::Now).await;
    publish(&mut *publisher, 1..=20).await;
    let came = take(&mut *one, 20).await;
    one.acknowledge(came[19].receipt).await.unwrap();
    assert_eq!(positions(&came), all(1..=20));
    assert_eq!(positions(&take(&mut *other, 20).await), all(1..=20));
}

/// A consumer that fell is followed by one that gets what the first had not acknowledged, at once and before what is
/// newer.
pub async fn what_is_not_acknowledged_comes_again_in_order(given: Given) {
    let mut publisher = given.publisher().await;
    let mut fallen = given.consumer("again", StartFrom::Now).await;
    publish(&mut *publisher, 1..=20).await;
    let came = take(&mut *fallen, 20).await;
    fallen.acknowledge(came[7].receipt).await.unwrap();
    // An acknowledgement is not answered; one that is still on its way repeats more than it must.
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(fallen);
    publish(&mut *publisher, 21..=25).await;
    let mut next = given.consumer("again", StartFrom::Now).await;
    assert_eq!(positions(&take(&mut *next, 17).await), all(9..=25));
}

/// Not even to a consumer that begins anew.
pub async fn what_is_acknowledged_does_not_come_again(given: Given) {
    let mut publisher = given.publisher().await;
    publish(&mut *publisher, 1..=10).await;
    let mut first = given.consumer("done", StartFrom::Beginning).await;
    let came = take(&mut *first, 10).await;
    first.acknowledge(came[9].receipt).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(first);
    let mut second = given.consumer("done", StartFrom::Beginning).await;
    assert!(unexpected(&mut *second).await.is_empty());
    publish(&mut *publisher, 11..=11).await;
    assert_eq!(positions(&take(&mut *second, 1).await), [11]);
}

/// A service that was stopped has lost nothing.
pub async fn a_group_keeps_what_comes_while_nobody_consumes(given: Given) {
    let mut publisher = given.publisher().await;
    drop(given.consumer("stopped", StartFrom::Now).await);
    publish(&mut *publisher, 1..=40).await;
    let mut consumer = given.consumer("stopped", StartFrom::Now).await;
    assert_eq!(positions(&take(&mut *consumer, 40).await), all(1..=40));
}

/// Whoever waits for messages and for something else at once gets all of them.
pub async fn a_broken_off_wait_loses_nothing(given: Given) {
    let mut publisher = given.publisher().await;
    let mut consumer = given.consumer("patient", StartFrom::Beginning).await;
    let publishing = tokio::spawn(async move {
        for first in (1..=191).step_by(10) {
            publish(&mut *publisher, first..=first + 9).await;
        }
    });
    let mut came = Vec::new();
    let begun = tokio::time::Instant::now();
    while came.len() < 200 && begun.elapsed() < Duration::from_secs(20) {
        if let Ok(messages) = tokio::time::timeout(Duration::from_micros(300), consumer.next(7)).await {
            came.extend(positions(&messages.unwrap()));
        }
    }
    publishing.await.unwrap();
    assert_eq!(came, all(1..=200));
}

/// Nobody gets what was published elsewhere.
pub async fn topics_are_apart(given: Given) {
    let other = Topic::new(&format!("{}-other", given.topic)).unwrap();
    let mut publisher = given.publisher().await;
    let mut elsewhere = given.publisher_on(&other).await;
    let mut consumer = given.consumer("apart", StartFrom::Now).await;
    publish(&mut *elsewhere, 1..=3).await;
    publish(&mut *publisher, 1..=2).await;
    assert_eq!(positions(&take(&mut *consumer, 2).await), [1, 2]);
    assert!(unexpected(&mut *consumer).await.is_empty());
}
