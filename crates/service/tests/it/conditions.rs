//! Commands of reactions and process managers whose condition fails: an answer, as a rejection is.

use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use tradewind_events::{EventType, Query, Recorded, Timestamp};
use tradewind_service::{
    Effect, FollowerState, Issued, Issuer, OwnEvent, ProcessManager, Reaction, ReactionError, Rejection,
};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Open, eventually, nobody};
use crate::process::{Welcome, WelcomeEvent, Welcomes, types};
use crate::web::{host, start_ready};

fn second_account() -> Open {
    Open { only_one: true, ..Open::by("ann") }
}

/// Opens each owner another account, though nobody may have two.
struct Another(Arc<Mutex<Vec<Issued>>>);

impl Reaction for Another {
    fn name(&self) -> &'static str {
        "another"
    }

    fn query(&self) -> Query {
        Query::types([EventType::new("Opened").unwrap()])
    }

    fn react<'a>(&'a self, _event: &'a Recorded, issuer: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>> {
        Box::pin(async move {
            let issued = issuer.issue("second", &second_account()).await?;
            self.0.lock().unwrap().push(issued);
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_reaction_is_told_that_its_commands_condition_fails() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut host = host(&store, folder.path());
    host.reaction(Another(told.clone())).unwrap();
    let commands = host.commands();
    let running = start_ready(host).await;
    commands.handle("1", &Open::by("ann"), &nobody()).await.unwrap();
    eventually("the answer", async || told.lock().unwrap().len() == 1).await;
    let first = told.lock().unwrap().remove(0);
    assert!(matches!(&first, Issued::Rejected(no) if no.reason == "condition-failed"), "{first:?}");
    assert_eq!(running.handle.followers()[0].state, FollowerState::Live);
    running.stop().await.unwrap();
}

/// Begins by opening a second account.
struct SecondWelcomes;

impl ProcessManager for SecondWelcomes {
    type State = Welcome;

    fn name(&self) -> &'static str {
        Welcomes.name()
    }

    fn query(&self) -> Query {
        Welcomes.query()
    }

    fn instance(&self, event: &Recorded) -> Option<String> {
        Welcomes.instance(event)
    }

    fn on_event(&self, state: &Welcome, event: &Recorded) -> Result<Vec<OwnEvent<Self>>, ReactionError> {
        Welcomes.on_event(state, event)
    }

    fn effects(&self, _instance: &str, event: &WelcomeEvent, _at: Timestamp) -> Vec<Effect> {
        match event {
            WelcomeEvent::WelcomeBegun(_) => vec![Effect::command("second", second_account())],
            _ => Vec::new(),
        }
    }

    fn on_rejected(&self, state: &Welcome, no: &Rejection) -> Vec<OwnEvent<Self>> {
        assert_eq!(no.reason, "condition-failed");
        Welcomes.on_rejected(state, no)
    }
}

#[tokio::test]
async fn a_process_manager_is_told_that_its_commands_condition_fails() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let mut host = host(&store, folder.path());
    host.process(SecondWelcomes).unwrap();
    let commands = host.commands();
    let running = start_ready(host).await;
    commands.handle("1", &Open::by("ann"), &nobody()).await.unwrap();
    eventually("the refusal", async || types(&store, "welcome-1") == ["WelcomeBegun", "ClawbackRefused"]).await;
    assert!(running.handle.followers().iter().all(|status| status.state == FollowerState::Live));
    running.stop().await.unwrap();
}
