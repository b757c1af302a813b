//! `shop run`: one context as a service of its own.

mod options;
mod storefront;

use std::future::Future;
use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use tokio::signal::unix::{SignalKind, signal};
use tradewind_broker::{BrokerOptions, BrokeredOptions, BrokeredSource, RelayOptions, Topic, open_at};
use tradewind_events::{Clock, EventSource, EventStore, SystemClock};
use tradewind_service::{Host, HostOptions, LogFormat, Service, ServiceHandle, init_logging};
use tradewind_store::postgres::without_password;
use tradewind_store::{ClientOptions, FeedSource, OpenOptions};

use crate::backdating::Backdating;
pub use options::{Context, Options, Upstream};

/// Runs a context until it is told to stop.
///
/// # Errors
/// If it cannot be started, or does not go down in order.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let format = if std::io::stderr().is_terminal() { LogFormat::Pretty } else { LogFormat::Json };
    init_logging(format, &options.log)?;
    let mut shutdown = Box::pin(told_to_stop()?);
    if options.context == Context::Storefront {
        return storefront::serve(options.listen, shutdown).await;
    }
    let clock = Arc::new(SystemClock);
    let url = options.store_url();
    let opening = tradewind_store::open(&url, OpenOptions::with_clock(clock.clone()));
    let opened = tokio::select! {
        opened = opening => opened,
        // It may wait for a server, and nobody has to wait for that who wants it to end.
        () = &mut shutdown => return Ok(()),
    };
    let store = opened.with_context(|| format!("failed to open the event store {}", without_password(&url)))?;
    let (service, _) = bind(options, store, clock).await?;
    service.run(shutdown).await?;
    Ok(())
}

/// One of the contexts that keep events, over a store, bound to its address and ready to run.
///
/// # Errors
/// If its read models cannot be opened, its address is taken, or an upstream is missing.
pub async fn bind(
    options: &Options,
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<(Service, ServiceHandle)> {
    let mut host = Host::new(host_options(options)?, store.clone(), clock.clone());
    let client_name = format!("shop {}", options.context.name());
    let broker = open_at(&options.broker, BrokerOptions { client_name, ..BrokerOptions::default() })?;
    let metrics = host.brokered_metrics();
    if let Some(broker) = &broker {
        let place = options.data.join("relay.json");
        host.relay(broker.clone(), RelayOptions::new(Topic::new(options.context.name())?, place));
    }
    let find = |name: &str| {
        let feed = upstream(options, name)?;
        let Some(broker) = &broker else { return Ok(feed) };
        let (broker, topic, service) = (broker.clone(), Topic::new(name)?, options.context.name());
        let brokered = BrokeredOptions::default();
        let source = BrokeredSource::new(feed, broker, topic, service, brokered, metrics.clone());
        Ok(Arc::new(source) as Arc<dyn EventSource>)
    };
    bind_host(host, options, store, clock, &find).await
}

/// The host that a context is put into, as the only instance.
#[cfg(feature = "import")]
pub(crate) fn host(options: &Options, store: Arc<dyn EventStore>, clock: Arc<dyn Clock>) -> Host {
    Host::new(HostOptions::new(options.context.name(), options.listen, &options.data), store, clock)
}

fn host_options(options: &Options) -> anyhow::Result<HostOptions> {
    let shared = options.shared()?;
    Ok(HostOptions { shared, ..HostOptions::new(options.context.name(), options.listen, &options.data) })
}

/// Puts a context into its host, wherever those are that it follows, and binds it to its address.
pub(crate) async fn bind_host(
    mut host: Host,
    options: &Options,
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    upstream: &FindUpstream<'_>,
) -> anyhow::Result<(Service, ServiceHandle)> {
    let routes = assemble(&mut host, store, options, upstream)?;
    host.routes(Backdating::new(options.allow_backdating, clock).guard(routes));
    Ok(host.bind().await?)
}

/// Finds what another context tells, by its name.
pub(crate) type FindUpstream<'a> = dyn Fn(&str) -> anyhow::Result<Arc<dyn EventSource>> + Send + Sync + 'a;

/// Puts the context into its host.
fn assemble(
    host: &mut Host,
    store: Arc<dyn EventStore>,
    options: &Options,
    upstream: &FindUpstream<'_>,
) -> anyhow::Result<Router> {
    Ok(match options.context {
        Context::Catalog => shop_catalog::assemble(host, upstream("ordering")?)?,
        Context::Customers => shop_customers::assemble(host)?,
        Context::Ordering => {
            let inventory = options.follows("inventory").then(|| upstream("inventory")).transpose()?;
            let upstreams = shop_ordering::Upstreams { catalog: upstream("catalog")?, inventory };
            shop_ordering::assemble(host, store, upstreams, options.fulfilment())?
        }
        Context::Inventory => {
            let upstreams =
                shop_inventory::Upstreams { catalog: upstream("catalog")?, ordering: upstream("ordering")? };
            shop_inventory::assemble(host, upstreams, options.opening_stock())?
        }
        Context::Invoicing => {
            let (ordering, customers) = (upstream("ordering")?, upstream("customers")?);
            let upstreams = shop_invoicing::Upstreams { ordering, customers };
            shop_invoicing::assemble(host, store, upstreams, options.seller())?
        }
        Context::Recommendations => {
            let (ordering, catalog) = (upstream("ordering")?, upstream("catalog")?);
            let upstreams = shop_recommendations::Upstreams { ordering, catalog };
            shop_recommendations::assemble(host, upstreams, options.start_from)?
        }
        Context::Storefront => anyhow::bail!("the storefront has nothing to put into a host"),
    })
}

/// Another service's feed.
fn upstream(options: &Options, name: &str) -> anyhow::Result<Arc<dyn EventSource>> {
    let upstream = options.upstream.iter().find(|upstream| upstream.name == name);
    let upstream = upstream.with_context(|| {
        let context = options.context.name();
        format!("{context} follows {name}: say where that is with --upstream {name}=http://HOST:PORT")
    })?;
    let feed = FeedSource::new(&upstream.feed_url(), ClientOptions::default())?;
    Ok(Arc::new(feed))
}

/// Ends with the first Ctrl-C or SIGTERM.
fn told_to_stop() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
