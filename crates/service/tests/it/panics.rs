//! Panics in what a service's author wrote: each is an error where it happens, and none ends anything silently.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_core::future::BoxFuture;
use tradewind_events::{EventType, Query, Recorded};
use tradewind_service::{FollowerState, Issuer, Reaction, ReactionError, Selection, StartFrom};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Balances, Deposit, Deposited, commands, eventually, nobody};
use crate::faulty::Faulty;
use crate::web::{Running, host, start, start_ready};

struct Falls;

impl Reaction for Falls {
    fn name(&self) -> &'static str {
        "falls"
    }

    fn query(&self) -> Query {
        Query::types([EventType::new("Deposited").unwrap()])
    }

    fn react<'a>(&'a self, event: &'a Recorded, _issuer: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>> {
        Box::pin(async move {
            let deposited: Deposited = event.parse()?;
            assert_ne!(deposited.cents, 13, "thirteen");
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_reaction_that_panics_parks_the_key_of_the_event_and_says_so() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let mut host = host(&store, folder.path());
    host.reaction(Falls).unwrap();
    let commands = host.commands();
    let running = start_ready(host).await;
    for cents in [1, 13, 2] {
        commands.handle("a", &Deposit(cents), &nobody()).await.unwrap();
    }
    let status = || running.handle.followers().remove(0);
    eventually("the parked key", async || status().aside.parked.events == 2).await;
    let letters = running.handle.dead_letters("falls").unwrap();
    let parked = letters.list(None, None, None, 9).await.unwrap().items.remove(0);
    assert_eq!((parked.position.0, &*parked.failure), (2, "panic"));
    assert!(parked.error.contains("panicked") && parked.error.contains("thirteen"), "{}", parked.error);
    letters.drop_parked(&Selection::All, false, false, None).await.unwrap();
    eventually("the end", async || status().aside.parked.keys + status().aside.waiting.keys == 0).await;
    assert_eq!((status().position.0 >= 3, status().state), (true, FollowerState::Live));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_upcaster_that_panics_is_an_event_that_cannot_be_read() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    commands(&store, Default::default()).handle("1", &Deposit(1), &nobody()).await.unwrap();
    let mut host = host(&store, folder.path());
    host.upcasters().step("Deposited", 1, |_| panic!("the step fell"));
    host.projection(Balances::default()).unwrap();
    let running = start(host).await;
    let status = || running.handle.followers().remove(0);
    eventually("the parked key", async || status().aside.parked.keys == 1).await;
    let letters = running.handle.dead_letters("balances").unwrap();
    let parked = letters.list(None, None, None, 9).await.unwrap().items.remove(0);
    assert_eq!(parked.failure, "unreadable");
    assert!(parked.error.contains("the step fell"), "{}", parked.error);
    running.stop().await.unwrap();
}

async fn falls_with_its_source(running: Running, faulty: Arc<Faulty>) {
    let status = || running.handle.followers().remove(0);
    eventually("the fall", async || status().state == FollowerState::Stopped).await;
    let stopped = status().stopped.unwrap();
    assert!(stopped.error.contains("the test said so"), "{}", stopped.error);
    assert!(!running.handle.is_ready(), "it cannot do what it is for until it is started again");
    assert_eq!(running.get("/health/ready").await.status.as_u16(), 503);
    assert!(faulty.subscribing_panics.load(Ordering::SeqCst));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_follower_whose_task_falls_is_told_to_have_stopped_and_the_service_is_not_ready() {
    let (ours, theirs) = (MemoryStore::new(), MemoryStore::new());
    commands(&theirs, Default::default()).handle("1", &Deposit(1), &nobody()).await.unwrap();
    for projection in [true, false] {
        let (faulty, folder) = (Arc::new(Faulty::over(&theirs)), tempfile::tempdir().unwrap());
        faulty.subscribing_panics.store(true, Ordering::SeqCst);
        let mut host = host(&ours, folder.path());
        match projection {
            true => drop(host.projection_over(faulty.clone(), StartFrom::Beginning, Balances::default()).unwrap()),
            false => host.reaction_over(faulty.clone(), StartFrom::Beginning, Falls).unwrap(),
        }
        falls_with_its_source(start(host).await, faulty).await;
    }
}
