//! Inventory at work between two feeds, in this process: what it hears is appended by hand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shop_contracts::Contract;
use shop_contracts::catalog::ProductListed;
use shop_contracts::inventory::GoodsUnavailable;
use shop_contracts::ordering::{CalledOffBecause, Line, OrderCalledOff, OrderPlaced, OrderShipped};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tradewind_events::{
    Append, Event, EventSource, EventStore, EventType, ExpectedRevision, StreamId, SystemClock, Timestamp,
};
use tradewind_service::{Entities, Host, HostOptions, Publish};
use tradewind_testkit::memory_store::MemoryStore;

use crate::publish::PublishInventory;
use crate::reservation::{Reservation, Status};
use crate::stock::Stock;

/// How long anything may take before a test fails. A busy machine is no bug.
const PATIENCE: Duration = Duration::from_secs(30);

/// Inventory and what it listens to.
pub(super) struct System {
    own: MemoryStore,
    catalog: MemoryStore,
    ordering: MemoryStore,
    folder: tempfile::TempDir,
    opening_stock: u32,
    running: Option<(Entities, DropGuard, JoinHandle<()>)>,
}

impl System {
    pub(super) async fn start(opening_stock: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (own, catalog, ordering) = (MemoryStore::new(), MemoryStore::new(), MemoryStore::new());
        let mut system = Self { own, catalog, ordering, folder, opening_stock, running: None };
        system.wake().await;
        system
    }

    async fn wake(&mut self) {
        let options = HostOptions::new("inventory", "127.0.0.1:0".parse().unwrap(), self.folder.path());
        let mut host = Host::new(options, Arc::new(self.own.clone()), Arc::new(SystemClock));
        let upstreams =
            crate::Upstreams { catalog: Arc::new(self.catalog.clone()), ordering: Arc::new(self.ordering.clone()) };
        let routes = crate::assemble(&mut host, upstreams, self.opening_stock).unwrap();
        host.routes(routes);
        let entities = host.entities();
        let (service, _) = host.bind().await.unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move { service.run(stopped).await.unwrap() });
        self.running = Some((entities, stop.drop_guard(), task));
    }

    /// Ends inventory as a crash would, and lets it forget how far it had come.
    pub(super) async fn crash_and_forget(&mut self) {
        if let Some((_, stop, task)) = self.running.take() {
            task.abort();
            let _ = task.await;
            drop(stop);
        }
        std::fs::remove_dir_all(self.folder.path().join("reactions")).unwrap();
        self.wake().await;
    }

    async fn tell<C: Contract>(store: &MemoryStore, stream: &str, told: &C, of_the_past: bool) {
        let mut event = Event::new(EventType::new(C::TYPE).unwrap(), Timestamp::EPOCH, told).unwrap();
        if of_the_past {
            event.metadata.extensions.insert("backdated".to_owned(), "true".to_owned());
        }
        let append = Append::to(StreamId::new(stream).unwrap(), ExpectedRevision::Any, vec![event]);
        store.append(append).await.unwrap();
    }

    pub(super) async fn lists(&self, product: &str) {
        let told = ProductListed {
            product_id: product.into(),
            name: format!("Product {product}"),
            department: "Grocery".into(),
            price_cents: 100,
        };
        Self::tell(&self.catalog, &format!("product-{product}"), &told, false).await;
    }

    pub(super) async fn places(&self, order: &str, lines: &[(&str, u32)]) {
        self.place(order, lines, false).await;
    }

    pub(super) async fn placed_in_the_past(&self, order: &str, lines: &[(&str, u32)]) {
        self.place(order, lines, true).await;
    }

    async fn place(&self, order: &str, lines: &[(&str, u32)], of_the_past: bool) {
        let line = |&(product, quantity): &(&str, u32)| Line {
            product_id: product.into(),
            name: format!("Product {product}"),
            quantity,
            unit_price_cents: 100,
        };
        let lines = lines.iter().map(line).collect();
        let told = OrderPlaced { order_id: order.into(), customer_id: "7".into(), lines, total_cents: 100 };
        Self::tell(&self.ordering, &format!("order-{order}"), &told, of_the_past).await;
    }

    pub(super) async fn ships(&self, order: &str) {
        let told = OrderShipped { order_id: order.into() };
        Self::tell(&self.ordering, &format!("order-{order}"), &told, false).await;
    }

    pub(super) async fn calls_off(&self, order: &str) {
        let (because, note) = (CalledOffBecause::Cancelled, String::new());
        let told = OrderCalledOff { order_id: order.into(), because, note };
        Self::tell(&self.ordering, &format!("order-{order}"), &told, false).await;
    }

    fn entities(&self) -> &Entities {
        &self.running.as_ref().expect("it runs").0
    }

    pub(super) async fn reservation(&self, order: &str) -> Option<Status> {
        self.entities().load::<Reservation>(order).await.unwrap().state.status
    }

    /// What an order is answered, as soon as it is.
    pub(super) async fn answer(&self, order: &str) -> Status {
        eventually("an answer", async || self.reservation(order).await.is_some()).await;
        self.reservation(order).await.unwrap()
    }

    pub(super) async fn available(&self, product: &str) -> u64 {
        self.entities().load::<Stock>(product).await.unwrap().state.available()
    }

    pub(super) async fn on_hand(&self, product: &str) -> u64 {
        self.entities().load::<Stock>(product).await.unwrap().state.on_hand
    }

    /// How many events it has recorded.
    pub(super) async fn recorded(&self) -> u64 {
        self.own.head().await.unwrap().0
    }

    /// What it has told, in a few words.
    pub(super) fn told(&self) -> Vec<String> {
        let contracts = self.own.everything().into_iter().filter_map(|event| {
            let contract =
                PublishInventory.query().matches(&event).then(|| PublishInventory.publish(&event).unwrap())??;
            let mut words = format!("{} {}", contract.event_type, event.entity_id());
            if let Ok(refused) = serde_json::from_slice::<GoodsUnavailable>(&contract.data) {
                for short in refused.short {
                    words += &format!(": {} of {}, {} there", short.wanted, short.product_id, short.available);
                }
            }
            Some(words)
        });
        contracts.collect()
    }
}

/// Waits until something holds.
pub(super) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < PATIENCE, "{what} did not come to be within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
