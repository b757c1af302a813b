//! Invoicing at work between two feeds, in this process: what it hears is appended by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use shop_contracts::Contract;
use shop_contracts::customers::{Address, CustomerMoved, CustomerRegistered};
use shop_contracts::ordering::{CalledOffBecause, Line, OrderCalledOff, OrderPaid, OrderPlaced};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tradewind_events::{
    Append, Direction, Event, EventSource, EventStore, EventType, ExpectedRevision, Page, Position, Query, ReadError,
    Revision, StreamId, StreamSlice, Subscription, SystemClock, Timestamp,
};
use tradewind_service::{DomainEvent, Host, HostOptions};
use tradewind_testkit::memory_store::MemoryStore;

use crate::events::{CreditNoteEvent, CreditNoteIssued, InvoiceEvent, InvoiceIssued};
use crate::layouts::tests::seller;

/// How long anything may take before a test fails. A busy machine is no bug.
const PATIENCE: Duration = Duration::from_secs(30);

/// Another context's feed, which can be slow to tell, or away.
#[derive(Clone)]
pub(super) struct FeedOf {
    pub(super) store: MemoryStore,
    /// Whether it tells what it has; what its end is it says all the same.
    pub(super) tells: watch::Sender<bool>,
    pub(super) away: Arc<AtomicBool>,
}

impl FeedOf {
    fn new() -> Self {
        Self { store: MemoryStore::new(), tells: watch::Sender::new(true), away: Arc::default() }
    }

    /// Something happens there.
    pub(super) async fn append<C: Contract>(&self, stream: &str, at: &str, told: &C) {
        let event = Event::new(EventType::new(C::TYPE).unwrap(), at.parse().unwrap(), told).unwrap();
        let append = Append::to(StreamId::new(stream).unwrap(), ExpectedRevision::Any, vec![event]);
        self.store.append(append).await.unwrap();
    }
}

impl EventSource for FeedOf {
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        if self.away.load(Ordering::SeqCst) {
            return Box::pin(async { Err(ReadError::Unavailable("it is away".to_owned())) });
        }
        self.store.head()
    }
    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        self.store.read(after, query, limit)
    }
    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        let mut tells = self.tells.subscribe();
        Box::pin(async move {
            let _ = tells.wait_for(|tells| *tells).await;
            self.store.subscribe(after, query).await
        })
    }
    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        self.store.read_stream(stream, from, direction, limit)
    }
    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.store.position_at(moment)
    }
}

/// Invoicing and what it listens to.
pub(super) struct System {
    pub(super) own: MemoryStore,
    pub(super) ordering: FeedOf,
    pub(super) customers: FeedOf,
    pub(super) folder: tempfile::TempDir,
    running: Option<(DropGuard, tokio::task::JoinHandle<()>)>,
}

impl System {
    /// All of it, with nothing in it.
    pub(super) async fn start() -> Self {
        let mut system = Self::asleep();
        system.wake().await;
        system
    }

    /// The feeds, while invoicing does not run.
    pub(super) fn asleep() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (ordering, customers) = (FeedOf::new(), FeedOf::new());
        Self { own: MemoryStore::new(), ordering, customers, folder, running: None }
    }

    /// Invoicing runs from now on.
    pub(super) async fn wake(&mut self) {
        let mut options = HostOptions::new("invoicing", "127.0.0.1:0".parse().unwrap(), self.folder.path());
        options.query_wait_max = Duration::from_millis(100);
        let store = Arc::new(self.own.clone());
        let mut host = Host::new(options, store.clone(), Arc::new(SystemClock));
        let upstreams =
            crate::Upstreams { ordering: Arc::new(self.ordering.clone()), customers: Arc::new(self.customers.clone()) };
        let routes = crate::assemble(&mut host, store, upstreams, seller()).unwrap();
        host.routes(routes);
        let (service, _) = host.bind().await.unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move { service.run(stopped).await.unwrap() });
        self.running = Some((stop.drop_guard(), task));
    }

    /// Ends invoicing as a crash would, and lets it forget how far it had come.
    pub(super) async fn crash_and_forget(&mut self) {
        if let Some((_stop, task)) = self.running.take() {
            task.abort();
            let _ = task.await;
        }
        // What the service had started goes on for a moment, as a request that was under way would.
        tokio::time::sleep(Duration::from_millis(100)).await;
        std::fs::remove_dir_all(self.folder.path().join("reactions")).unwrap();
        self.wake().await;
    }

    pub(super) async fn registers(&self, customer: &str, at: &str, street: &str) {
        let (customer_id, name) = (customer.to_owned(), format!("Customer {customer}"));
        let told = CustomerRegistered { customer_id, name, address: address(street) };
        self.customers.append(&format!("customer-{customer}"), at, &told).await;
    }

    pub(super) async fn moves(&self, customer: &str, at: &str, street: &str) {
        let told = CustomerMoved { customer_id: customer.to_owned(), address: address(street) };
        self.customers.append(&format!("customer-{customer}"), at, &told).await;
    }

    pub(super) async fn places(&self, order: &str, customer: &str, at: &str) {
        let line = Line { product_id: "1".into(), name: "Milk".into(), quantity: 2, unit_price_cents: 259 };
        let (order_id, customer_id) = (order.to_owned(), customer.to_owned());
        let told = OrderPlaced { order_id, customer_id, lines: vec![line], total_cents: 518 };
        self.ordering.append(&format!("order-{order}"), at, &told).await;
    }

    pub(super) async fn pays(&self, order: &str, at: &str) {
        self.ordering.append(&format!("order-{order}"), at, &OrderPaid { order_id: order.to_owned() }).await;
    }

    pub(super) async fn orders(&self, order: &str, customer: &str, at: &str) {
        self.places(order, customer, at).await;
        self.pays(order, at).await;
    }

    pub(super) async fn calls_off(&self, order: &str, at: &str) {
        let (order_id, because) = (order.to_owned(), CalledOffBecause::Cancelled);
        let told = OrderCalledOff { order_id, because, note: "changed my mind".into() };
        self.ordering.append(&format!("order-{order}"), at, &told).await;
    }

    /// The invoices that were written, in the order of their events.
    pub(super) fn invoices(&self) -> Vec<InvoiceIssued> {
        let read = |event: &_| match read::<InvoiceEvent>(event)? {
            InvoiceEvent::InvoiceIssued(invoice) => Some(invoice),
        };
        self.own.everything().iter().filter_map(read).collect()
    }

    /// The credit notes that were written.
    pub(super) fn credit_notes(&self) -> Vec<CreditNoteIssued> {
        let read = |event: &_| match read::<CreditNoteEvent>(event)? {
            CreditNoteEvent::CreditNoteIssued(note) => Some(note),
        };
        self.own.everything().iter().filter_map(read).collect()
    }

    /// So many invoices, as soon as they are written.
    pub(super) async fn written(&self, invoices: usize) -> Vec<InvoiceIssued> {
        eventually(&format!("{invoices} invoices"), || self.invoices().len() >= invoices).await;
        self.invoices()
    }

    /// Waits until ordering's feed has been met up to here: an order of a customer of its own is billed.
    pub(super) async fn comes_to(&self, marker: &str) {
        self.registers(marker, "2016-01-01T00:00:00Z", "Marker Street").await;
        self.orders(marker, marker, "2016-01-01T00:00:00Z").await;
        eventually(marker, || self.invoices().iter().any(|invoice| invoice.order_id == marker)).await;
    }
}

fn read<E: DomainEvent>(event: &tradewind_events::Recorded) -> Option<E> {
    tradewind_service::decode(event).unwrap()
}

fn address(street: &str) -> Address {
    Address {
        street: street.into(),
        city: "Fairhaven".into(),
        region: "OH".into(),
        postal_code: "45011".into(),
        country: "United States".into(),
    }
}

/// Waits until something holds.
pub(super) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what} did not come to be");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Long enough for something to happen that must not.
pub(super) async fn a_while() {
    tokio::time::sleep(Duration::from_millis(400)).await;
}
