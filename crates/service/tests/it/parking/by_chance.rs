//! Events that fail by chance, each by its seed, in a process that is killed at any moment.

use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;
use tradewind_events::{Clock, Recorded};
use tradewind_service::{CountedAside, ReactionError, Selection};
use tradewind_testkit::memory_store::MemoryStore;

use super::{Copying, NAME, aside, deposit, deposits, poison, quick, status, transient, with};
use crate::account::eventually;
use crate::web::start;

/// How each event fails, by its seed: 5 in 100 are poison until they are mended, 20 fail up to three times, 5 want to
/// come again a moment later, 2 make it panic once.
fn failing(seed: u64, mended: bool) -> impl FnMut(&Recorded, i64) -> Option<ReactionError> + Send + 'static {
    let mut left: HashMap<u64, u64> = HashMap::new();
    move |event, cents| {
        let mut random = Rng::with_seed(seed ^ (event.position().0 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (kind, times) = (random.u64(..100), random.u64(1..=3));
        let left = left.entry(event.position().0).or_insert(times);
        let again = *left > 0;
        *left = left.saturating_sub(1);
        match kind {
            0..5 if !mended => poison("poison by its seed"),
            5..25 if again => transient(),
            25..30 if again => {
                let soon = tradewind_events::SystemClock.now().plus(Duration::from_millis(30));
                Some(ReactionError::Again(soon))
            }
            30..32 if !mended => panic!("{cents} by its seed"),
            _ => None,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_and_whenever_it_is_killed_each_event_takes_effect_once_and_in_order() {
    for seed in [1, 20_261_126, 777_777_777] {
        let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
        let mut random = Rng::with_seed(seed);
        let mut given = 0;
        for round in 0..4 {
            let copying = Copying::unless(failing(seed, false));
            let running = start(with(&store, folder.path(), &copying, quick())).await;
            for _ in 0..150 {
                given += 1;
                deposit(&store, &format!("k{}", random.u64(..25)), given).await;
            }
            if round < 3 {
                tokio::time::sleep(Duration::from_millis(random.u64(..40))).await;
                running.kill();
                tokio::time::sleep(Duration::from_millis(150)).await;
                continue;
            }
            // Only what is poison stays behind.
            let at_rest = async || {
                status(&running).lag_events == 0 && aside(&running).waiting.keys + aside(&running).delayed.keys == 0
            };
            eventually("rest", async || running.handle.is_ready() && at_rest().await).await;
            assert!(aside(&running).parked.keys > 0, "seed {seed}: {:?}", aside(&running));
            copying.now_unless(failing(seed, true));
            let letters = running.handle.dead_letters(NAME).unwrap();
            let all = letters.redrive(&Selection::All, true, None).await.unwrap();
            assert_eq!((all.keys, all.events), (aside(&running).parked.keys, aside(&running).parked.events));
            letters.redrive(&Selection::All, false, None).await.unwrap();
            eventually("nothing aside", async || aside(&running) == CountedAside::default()).await;
            running.stop().await.unwrap();
        }
        for key in 0..25 {
            let (own, copy) = (deposits(&store, &format!("k{key}")), deposits(&store, &format!("copy-k{key}")));
            assert_eq!(own, copy, "seed {seed}, key {key}");
        }
    }
}
