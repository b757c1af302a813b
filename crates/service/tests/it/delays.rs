//! Events that are to be delivered later, by what they say or by what a reaction answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tradewind_events::{Clock, Query, Recorded, Timestamp};
use tradewind_service::{Contract, Feed, Host, Publish, PublishError, ReactionError, StartFrom, Upcasters};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Deposit, clock, commands_at, eventually, nobody};
use crate::parking::{Copying, copying_at, deposits};
use crate::web::{Running, host_at, start_ready};

const HOUR: Duration = Duration::from_secs(3_600);

/// Tells deposits: those of 100 cents are to be delivered an hour after they happened.
struct TellsLater;

impl Publish for TellsLater {
    fn query(&self) -> Query {
        Query::category("account")
    }

    fn publish(&self, event: &Recorded) -> Result<Option<Contract>, PublishError> {
        let said: serde_json::Value = event.parse()?;
        let contract = Contract::new(event.event_type(), &said)?;
        Ok(Some(if said["cents"] == 100 { contract.deliver_after(event.time().plus(HOUR)) } else { contract }))
    }
}

fn following(
    theirs: &MemoryStore,
    ours: &MemoryStore,
    folder: &std::path::Path,
    clock: &Arc<tradewind_events::ManualClock>,
    copying: &Copying,
) -> Host {
    let feed = Feed::new(Arc::new(theirs.clone()), Arc::new(TellsLater), Upcasters::default());
    let mut host = host_at(ours, folder, clock.clone());
    host.reaction_over(Arc::new(feed), StartFrom::Beginning, copying.clone()).unwrap();
    host
}

fn delayed(running: &Running) -> (u64, u64) {
    let aside = running.handle.followers()[0].aside;
    (aside.delayed.keys, aside.delayed.events)
}

#[tokio::test]
async fn an_event_is_delivered_when_it_says_though_the_service_was_started_again() {
    for overtaking in [false, true] {
        let (theirs, ours, folder, clock) =
            (MemoryStore::new(), MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
        let copying = Copying::unless(|_, _| None);
        let copying = if overtaking { copying.overtaking() } else { copying };
        let running = start_ready(following(&theirs, &ours, folder.path(), &clock, &copying)).await;
        let there = commands_at(&theirs, clock.clone(), Default::default());
        for (id, cents) in [("a", 1), ("a", 100), ("a", 2), ("b", 3)] {
            there.handle(id, &Deposit(cents), &nobody()).await.unwrap();
        }
        let (before, after, events) = match overtaking {
            false => (vec![1], vec![1, 100, 2], 2),
            true => (vec![1, 2], vec![1, 2, 100], 1),
        };
        eventually("the delay", async || delayed(&running) == (1, events)).await;
        eventually("what is not delayed", async || deposits(&ours, "copy-a") == before).await;
        eventually("others", async || deposits(&ours, "copy-b") == [3]).await;
        clock.advance(HOUR - Duration::from_secs(1));
        running.stop().await.unwrap();

        let running = start_ready(following(&theirs, &ours, folder.path(), &clock, &copying)).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!((deposits(&ours, "copy-a"), delayed(&running)), (before, (1, events)), "not before its time");
        clock.advance(Duration::from_secs(1));
        eventually("its time", async || deposits(&ours, "copy-a") == after).await;
        eventually("nothing aside", async || delayed(&running) == (0, 0)).await;
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_reaction_that_wants_an_event_again_gets_it_then_and_has_not_failed() {
    let (store, folder, clock) = (MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
    let asked = Arc::new(AtomicU64::new(0));
    let (count, at, opens) = (asked.clone(), clock.clone(), clock.now().plus(HOUR));
    // It opens in an hour, and is asked again half an hour later at the latest.
    let copying = Copying::unless(move |event, _| {
        count.fetch_add(u64::from(event.entity_id() == "a"), Ordering::SeqCst);
        let now: Timestamp = at.now();
        (now < opens).then(|| ReactionError::Again(now.plus(HOUR / 2)))
    });
    let running = start_ready(copying_at(&store, folder.path(), &clock, &copying)).await;
    let commands = commands_at(&store, clock.clone(), Default::default());
    for cents in [1, 2] {
        commands.handle("a", &Deposit(cents), &nobody()).await.unwrap();
    }
    for times in 1..=2 {
        eventually("the delay", async || delayed(&running) == (1, 2) && asked.load(Ordering::SeqCst) == times).await;
        let one = running.handle.dead_letters(crate::parking::NAME).unwrap();
        let one = one.list(Some("delayed"), None, None, 1).await.unwrap().items.remove(0);
        assert_eq!((one.attempts, &*one.failure, one.due), (0, "", Some(clock.now().plus(HOUR / 2))));
        clock.advance(HOUR / 2);
    }
    eventually("both", async || deposits(&store, "copy-a") == [1, 2]).await;
    running.stop().await.unwrap();
}
