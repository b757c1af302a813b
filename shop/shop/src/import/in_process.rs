//! The shop in one process: its contexts as `shop run` runs them, each with its own store and address, so that a whole
//! year can be brought in without a gateway, and what it costs is what one process costs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::Router;
use clap::Parser;
use shop_catalog::publish::PublishCatalog;
use shop_customers::publish::PublishCustomers;
use shop_invoicing::publish::PublishInvoicing;
use shop_ordering::publish::PublishOrdering;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tradewind_events::{EventSource, EventStore, Position, SystemClock};
use tradewind_service::{Feed, FollowerState, FollowerStatus, Host, Publish, ServiceError, ServiceHandle};
use tradewind_store::OpenOptions;

use crate::run::{self, Context};
use crate::seed::client::ShopClient;

/// How often it is looked at whether everything has happened.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long nothing may move before it is told that it never will.
const STANDSTILL_MAX: Duration = Duration::from_secs(60);

/// The command line of `shop run`, so that a context is run here with the same flags and the same defaults.
#[derive(Debug, Parser)]
struct CommandLine {
    #[command(flatten)]
    options: run::Options,
}

/// The contexts at work.
pub struct InProcess {
    services: Vec<Running>,
    client: ShopClient,
    stop: CancellationToken,
}

/// A context at work.
struct Running {
    name: &'static str,
    /// With what the paths of its routes begin.
    routes_prefix: &'static str,
    store: Arc<dyn EventStore>,
    handle: ServiceHandle,
    task: JoinHandle<Result<(), ServiceError>>,
    /// Those of its followers that follow another context, and which one.
    copies: &'static [(&'static str, &'static str)],
}

impl InProcess {
    /// Opens the contexts, with their data in folders of this one, where `tradewind up` has them too. They follow each
    /// other without a connection in between.
    ///
    /// # Errors
    /// If a store is in use or damaged, or a context cannot be started.
    pub async fn open(data: &Path) -> anyhow::Result<Self> {
        Self::open_contexts(&[Context::Catalog, Context::Customers, Context::Ordering], data).await
    }

    /// The same, and invoicing with them: it writes what invoices are missing, one after the other.
    ///
    /// # Errors
    /// If a store is in use or damaged, or a context cannot be started.
    pub async fn open_with_invoicing(data: &Path) -> anyhow::Result<Self> {
        let all = [Context::Catalog, Context::Customers, Context::Ordering, Context::Invoicing];
        Self::open_contexts(&all, data).await
    }

    async fn open_contexts(contexts: &[Context], data: &Path) -> anyhow::Result<Self> {
        let stop = CancellationToken::new();
        let mut opened = Vec::new();
        for context in contexts {
            opened.push(Opened::open(*context, data).await?);
        }
        let feeds: Vec<(&str, Arc<dyn EventSource>)> = opened.iter().map(Opened::feed).collect();
        let (mut services, mut routes) = (Vec::new(), Vec::new());
        for context in opened {
            let (running, its_routes) = context.start(&feeds, &stop).await?;
            routes.push((running.routes_prefix, its_routes));
            services.push(running);
        }
        Ok(Self { services, client: ShopClient::in_process(routes), stop })
    }

    /// What speaks to them as a client would.
    pub(crate) fn client(&self) -> ShopClient {
        self.client.clone()
    }

    /// One of them.
    fn running(&self, name: &str) -> anyhow::Result<&Running> {
        self.services.iter().find(|service| service.name == name).with_context(|| format!("{name} does not run here"))
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.services.iter().map(|service| service.name)
    }

    /// The event store of one of them.
    ///
    /// # Errors
    /// If it is none of them.
    pub fn store(&self, name: &str) -> anyhow::Result<Arc<dyn EventStore>> {
        Ok(self.running(name)?.store.clone())
    }

    /// What is known of one of them, and can be asked of its followers.
    ///
    /// # Errors
    /// If it is none of them.
    pub fn handle(&self, name: &str) -> anyhow::Result<&ServiceHandle> {
        Ok(&self.running(name)?.handle)
    }

    /// Waits until everything that follows from what was recorded has been recorded as well, and all read models tell
    /// of it.
    ///
    /// # Errors
    /// If something has stopped, or nothing moves for a minute.
    pub async fn settled(&self) -> anyhow::Result<()> {
        let (mut last, mut moved) = (Vec::new(), tokio::time::Instant::now());
        loop {
            let before = self.heads().await?;
            let reached = self.followers_have_reached(&before)?;
            // What a follower does, it has done before it says that it has come so far: if no head has moved meanwhile,
            // nothing is on its way.
            if reached.1 && self.heads().await? == before {
                return Ok(());
            }
            if reached.0 != last {
                (last, moved) = (reached.0, tokio::time::Instant::now());
            } else if moved.elapsed() > STANDSTILL_MAX {
                bail!("nothing has moved for {} s: see /admin of the services", STANDSTILL_MAX.as_secs());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn heads(&self) -> anyhow::Result<Vec<(&'static str, Position)>> {
        let mut heads = Vec::with_capacity(self.services.len());
        for service in &self.services {
            heads.push((service.name, service.store.head().await?));
        }
        Ok(heads)
    }

    /// How far each follower has come, and whether all have come to the head of what they follow.
    fn followers_have_reached(&self, heads: &[(&str, Position)]) -> anyhow::Result<(Vec<Position>, bool)> {
        let (mut positions, mut all) = (Vec::new(), true);
        for service in &self.services {
            for follower in service.handle.followers() {
                let FollowerStatus { name, state, position, stopped, aside, .. } = &follower;
                if *state == FollowerState::Stopped {
                    bail!("{name} of {} has stopped: {stopped:?}", service.name);
                }
                if aside.parked.keys > 0 {
                    bail!("{name} of {} has parked {} keys", service.name, aside.parked.keys);
                }
                // What is set aside is behind its position, and not done.
                all &= aside.events() == 0;
                let source = service.copies.iter().find(|(copy, _)| copy == name).map_or(service.name, |(_, of)| of);
                let head = heads.iter().find(|(name, _)| *name == source).map(|(_, head)| *head);
                all &= Some(*position) >= head;
                positions.push(*position);
            }
        }
        Ok((positions, all))
    }

    /// Lets everything go down in order.
    ///
    /// # Errors
    /// If a context does not go down in order.
    pub async fn close(self) -> anyhow::Result<()> {
        self.stop.cancel();
        for Running { name, task, .. } in self.services {
            task.await?.with_context(|| format!("{name} did not go down in order"))?;
        }
        Ok(())
    }
}

/// A context whose store is open.
struct Opened {
    options: run::Options,
    store: Arc<dyn EventStore>,
    host: Host,
}

impl Opened {
    async fn open(context: Context, data: &Path) -> anyhow::Result<Self> {
        let folder = data.join(context.name()).display().to_string();
        let line = ["run", context.name(), "--data", &folder, "--allow-backdating"];
        let options = CommandLine::try_parse_from(line)?.options;
        let url = options.store_url();
        let store = tradewind_store::open(&url, OpenOptions::with_clock(Arc::new(SystemClock)))
            .await
            .with_context(|| format!("failed to open the event store {url}; is the shop running?"))?;
        let host = run::host(&options, store.clone(), Arc::new(SystemClock));
        Ok(Self { options, store, host })
    }

    /// What it tells the others.
    fn feed(&self) -> (&'static str, Arc<dyn EventSource>) {
        let publish: Arc<dyn Publish> = match self.options.context {
            Context::Catalog => Arc::new(PublishCatalog),
            Context::Customers => Arc::new(PublishCustomers),
            Context::Invoicing => Arc::new(PublishInvoicing),
            _ => Arc::new(PublishOrdering),
        };
        // Steps that the context is going to add are shared.
        let feed = Feed::new(self.store.clone(), publish, self.host.upcasters().clone());
        (self.options.context.name(), Arc::new(feed))
    }

    async fn start(
        self,
        feeds: &[(&str, Arc<dyn EventSource>)],
        stop: &CancellationToken,
    ) -> anyhow::Result<(Running, Router)> {
        let Self { options, store, host } = self;
        let upstream = |name: &str| {
            let feed = feeds.iter().find(|(context, _)| *context == name).map(|(_, feed)| feed.clone());
            feed.with_context(|| format!("{name} does not run here"))
        };
        let bound = run::bind_host(host, &options, store.clone(), Arc::new(SystemClock), &upstream);
        let (service, handle) = bound.await?;
        let (routes, stopped) = (service.routes(), stop.clone().cancelled_owned());
        let task = tokio::spawn(service.run(stopped));
        let (routes_prefix, copies): (_, &'static [_]) = match options.context {
            Context::Catalog => ("/api/catalog", &[("delivered-products", "ordering")]),
            Context::Customers => ("/api/customers", &[]),
            Context::Invoicing => (
                "/api/invoicing",
                &[
                    ("order-copies", "ordering"),
                    ("customer-copies", "customers"),
                    ("bill-orders", "ordering"),
                    ("notice-customers", "customers"),
                ],
            ),
            _ => ("/api/ordering", &[("product-prices", "catalog")]),
        };
        Ok((Running { name: options.context.name(), routes_prefix, store, handle, task, copies }, routes))
    }
}
