//! The shop in this process: its services on ports of their own, with their events in memory, and a gateway.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use clap::Parser;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tradewind_events::SystemClock;
use tradewind_gateway::{Gateway, Route, RouteTable, Upstream};
use tradewind_testkit::memory_store::MemoryStore;
use tradewind_testkit::servers::Postgres;

use crate::client::Shopper;

/// The command line of `shop run`.
#[derive(Debug, Parser)]
struct CommandLine {
    #[command(flatten)]
    options: shop::run::Options,
}

/// A payment provider that never refuses: refusing has its own tests.
pub(crate) const FRIENDLY: &str = "--pace fast --payment-busy-percent 0 --payment-declined-percent 0";

/// A running shop. It goes down when it is dropped.
pub(crate) struct Shop {
    pub(crate) shopper: Shopper,
    pub(crate) url: String,
    pub(crate) catalog: Service,
    /// Where each service answers without the gateway.
    pub(crate) addresses: Vec<(&'static str, SocketAddr)>,
    gateway: DropGuard,
    folder: tempfile::TempDir,
}

/// One of its services.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    stop: DropGuard,
    task: JoinHandle<()>,
}

/// All that is tested here holds over read models in PostgreSQL as well: with this variable set, to anything.
const READ_MODELS_SHARED: &str = "TRADEWIND_TEST_SHARED_READ_MODELS";

fn read_models(line: &str) -> Vec<String> {
    let is_asked_for = std::env::var(READ_MODELS_SHARED).is_ok() && !line.contains("--read-models");
    if is_asked_for { vec!["--read-models".to_owned(), Postgres::shared().fresh_url()] } else { Vec::new() }
}

impl Service {
    /// Runs a context, by the command line of `shop run`.
    pub(crate) async fn start(line: &str, data: &Path) -> Self {
        let words = ["run"].into_iter().chain(line.split_whitespace()).map(str::to_owned);
        let data = ["--data".to_owned(), data.display().to_string()];
        let options = CommandLine::try_parse_from(words.chain(data).chain(read_models(line))).unwrap().options;
        let store = Arc::new(MemoryStore::new());
        let (service, handle) = shop::run::bind(&options, store, Arc::new(SystemClock)).await.unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move { service.run(stopped).await.unwrap() });
        Self { address: handle.address(), stop: stop.drop_guard(), task }
    }

    /// Goes down in order.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap();
    }

    /// Goes down with the runtime: no test needs it to drain.
    fn leave_running(self) {
        tokio::spawn(async move {
            let _stop = self.stop;
            let _ = self.task.await;
        });
    }
}

impl Shop {
    /// A shop whose payment provider never refuses, with more flags for ordering.
    pub(crate) async fn open(flags: &str) -> Self {
        Self::open_with(&format!("{FRIENDLY} {flags}"), "").await
    }

    /// A shop with flags for ordering and for both.
    pub(crate) async fn open_with(ordering_flags: &str, flags: &str) -> Self {
        let (folder, catalog, ordering) = Self::catalog_and_ordering(ordering_flags, flags).await;
        let addresses = vec![("catalog", catalog.address), ("ordering", ordering.address)];
        let (url, gateway) = front(&addresses).await;
        ordering.leave_running();
        Self { shopper: Shopper::new(url.clone()), url, catalog, addresses, gateway, folder }
    }

    /// A shop that sells what is there, of which it has so many units of each product at first.
    pub(crate) async fn open_with_goods(ordering_flags: &str, opening_stock: u32, flags: &str) -> Self {
        let at = free_address();
        let asks = format!("{ordering_flags} --upstream inventory=http://{at}");
        let (folder, catalog, ordering) = Self::catalog_and_ordering(&asks, flags).await;
        let (known, told) = (catalog.address, ordering.address);
        let line =
            format!("inventory --listen {at} --upstream catalog=http://{known} --upstream ordering=http://{told}");
        let line = format!("{line} --opening-stock {opening_stock} {flags}");
        let inventory = Service::start(&line, &folder.path().join("inventory")).await;
        let all = [("catalog", &catalog), ("ordering", &ordering), ("inventory", &inventory)];
        let addresses = Vec::from(all.map(|(name, service)| (name, service.address)));
        let (url, gateway) = front(&addresses).await;
        [ordering, inventory].into_iter().for_each(Service::leave_running);
        Self { shopper: Shopper::new(url.clone()), url, catalog, addresses, gateway, folder }
    }

    /// A shop that knows its customers and writes them invoices, with flags for ordering and for all.
    pub(crate) async fn open_whole(ordering_flags: &str, flags: &str) -> Self {
        let (folder, catalog, ordering) = Self::catalog_and_ordering(ordering_flags, flags).await;
        let customers = Service::start(&format!("customers {flags}"), &folder.path().join("customers")).await;
        let (told, known) = (ordering.address, customers.address);
        let line = format!("invoicing --upstream ordering=http://{told} --upstream customers=http://{known} {flags}");
        let invoicing = Service::start(&line, &folder.path().join("invoicing")).await;
        let all =
            [("catalog", &catalog), ("ordering", &ordering), ("customers", &customers), ("invoicing", &invoicing)];
        let addresses = Vec::from(all.map(|(name, service)| (name, service.address)));
        let (url, gateway) = front(&addresses).await;
        [ordering, customers, invoicing].into_iter().for_each(Service::leave_running);
        Self { shopper: Shopper::new(url.clone()), url, catalog, addresses, gateway, folder }
    }

    async fn catalog_and_ordering(ordering_flags: &str, flags: &str) -> (tempfile::TempDir, Service, Service) {
        let folder = tempfile::tempdir().unwrap();
        // They follow each other: where ordering will be must be known before it is there.
        let at = free_address();
        let line = format!("catalog --upstream ordering=http://{at} {flags}");
        let catalog = Service::start(&line, &folder.path().join("catalog")).await;
        let upstream = format!("--upstream catalog=http://{}", catalog.address);
        let line = format!("ordering --listen {at} {upstream} {ordering_flags} {flags}");
        let ordering = Service::start(&line, &folder.path().join("ordering")).await;
        (folder, catalog, ordering)
    }

    /// Of which read models a past was made as a whole, since nobody could say what the answer is about.
    pub(crate) fn whole_pasts(&self, context: &str) -> Vec<String> {
        let models = std::fs::read_dir(self.folder.path().join(context).join("projections")).unwrap();
        let models = models.map(|model| model.unwrap()).filter(|model| model.path().join("past").exists());
        models.map(|model| model.file_name().into_string().unwrap()).collect()
    }

    /// What the catalog serves no longer, while ordering goes on.
    pub(crate) async fn without_catalog(self) -> (Shopper, DropGuard, tempfile::TempDir) {
        self.catalog.stop().await;
        (self.shopper, self.gateway, self.folder)
    }
}

/// Where nobody listens. Below the ports that the system gives away by itself, and every test process has some of its
/// own: what is free now must still be free when the service comes.
pub(crate) fn free_address() -> SocketAddr {
    const FIRST: u32 = 12_000;
    const A_PROCESS: u32 = 16;
    const PROCESSES: u32 = 600;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let own = FIRST + std::process::id() % PROCESSES * A_PROCESS;
    (0..A_PROCESS)
        .map(|_| own + TAKEN.fetch_add(1, Ordering::Relaxed) % A_PROCESS)
        .map(|port| SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap())))
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("a free port")
}

/// A gateway in front of services.
pub(crate) async fn front(services: &[(&str, SocketAddr)]) -> (String, DropGuard) {
    let route = |(name, address): &(&str, SocketAddr)| {
        Route::new(&format!("/api/{name}"), Upstream::new(name, [*address])).unwrap()
    };
    let routes = services.iter().map(route).collect();
    let options = tradewind_gateway::Options::new("127.0.0.1:0".parse().unwrap());
    let gateway = Gateway::bind(options, RouteTable::new(routes).unwrap()).await.unwrap();
    let url = format!("http://{}", gateway.address());
    let stop = CancellationToken::new();
    tokio::spawn(gateway.run(stop.clone()));
    (url, stop.drop_guard())
}
