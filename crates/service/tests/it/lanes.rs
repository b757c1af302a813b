//! What one instance of a process manager hears from several streams.

use serde::{Deserialize, Serialize};
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::{Effect, Entity, OwnEvent, ProcessManager, ReactionError, events};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Deposit, Open, commands, nobody};
use crate::process::types;
use crate::web::{host, start_ready};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ordered {}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Paid {}

events! {
    pub(crate) enum SaleEvent { Ordered, Paid }
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Sale {
    ordered: bool,
}

impl Entity for Sale {
    const CATEGORY: &'static str = "sale";
    const STATE_VERSION: u16 = 1;
    type Event = SaleEvent;

    fn evolve(&mut self, event: &SaleEvent) {
        self.ordered |= matches!(event, SaleEvent::Ordered(_));
    }
}

/// `a7` is the order and `b7` its payment; a payment without an order is of no interest.
struct Sales;

impl ProcessManager for Sales {
    type State = Sale;

    fn name(&self) -> &'static str {
        "sales"
    }

    fn query(&self) -> Query {
        Query::category("account")
    }

    fn instance(&self, event: &Recorded) -> Option<String> {
        event.entity_id().get(1..).map(str::to_owned)
    }

    fn on_event(&self, state: &Sale, event: &Recorded) -> Result<Vec<OwnEvent<Self>>, ReactionError> {
        Ok(match event.event_type() {
            "Opened" => vec![Ordered {}.into()],
            "Deposited" if state.ordered => vec![Paid {}.into()],
            _ => Vec::new(),
        })
    }

    fn effects(&self, _instance: &str, _event: &SaleEvent, _at: Timestamp) -> Vec<Effect> {
        Vec::new()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_hears_the_events_of_different_streams_in_their_order() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let commands = commands(&store, Default::default());
    for n in 0..100 {
        commands.handle(&format!("a{n}"), &Open::by("ann"), &nobody()).await.unwrap();
        commands.handle(&format!("b{n}"), &Deposit(5), &nobody()).await.unwrap();
    }
    let mut host = host(&store, folder.path());
    host.process(Sales).unwrap();
    let running = start_ready(host).await;
    for n in 0..100 {
        assert_eq!(types(&store, &format!("sale-{n}")), ["Ordered", "Paid"], "of sale {n}");
    }
    running.stop().await.unwrap();
}
