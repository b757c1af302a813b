//! The parcels' service, as any context's: a host over a store in a folder, with its API.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tradewind_events::SystemClock;
use tradewind_service::{Answer, Commands, Host, HostOptions, Problem, QueryContext, ReadModel, Submitted};
use tradewind_store::OpenOptions;

use super::parcel::{ParcelScanned, Place, ScanParcel, Whereabouts};
use crate::BenchError;
use crate::http::runtime;

/// How long the service has to go down.
const DRAIN_WITHIN: Duration = Duration::from_secs(25);

#[derive(Clone)]
struct Api {
    commands: Commands,
    whereabouts: ReadModel,
}

async fn scan(
    State(api): State<Api>,
    UrlPath(id): UrlPath<String>,
    Submitted { body, context }: Submitted<ParcelScanned>,
) -> Result<Response, Problem> {
    context.require_key()?;
    let done = api.commands.handle(&id, &ScanParcel { scan: body }, &context).await?;
    Ok(done.into_response())
}

async fn find(
    State(api): State<Api>,
    UrlPath(id): UrlPath<String>,
    context: QueryContext,
) -> Result<Answer<Place>, Problem> {
    let what = format!("parcel {id}");
    api.whereabouts.query(&context, move |read| Whereabouts::of(read, &id)).await?.or_not_found(what)
}

/// The service at work, with its own runtime. Dropped, it goes down.
pub(super) struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    serving: Option<JoinHandle<()>>,
    runtime: Option<Runtime>,
}

impl Running {
    /// Starts it on a free port.
    pub(super) fn start(folder: &Path) -> Result<Self, BenchError> {
        let (runtime, shutdown) = (runtime("service")?, CancellationToken::new());
        let stop = shutdown.clone();
        let (address, serving) = runtime.block_on(async {
            let url = format!("file:{}", folder.join("events").display());
            let store = tradewind_store::open(&url, OpenOptions::default()).await?;
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let mut host = Host::new(HostOptions::new("parcels", listen, folder), store, Arc::new(SystemClock));
            let api = Api { commands: host.commands(), whereabouts: host.projection(Whereabouts)? };
            host.routes(Router::new().route("/api/parcels/{id}", get(find).post(scan)).with_state(api));
            let (service, handle) = host.bind().await?;
            let serving = tokio::spawn(async move {
                if let Err(error) = service.run(stop.cancelled_owned()).await {
                    eprintln!("the service ended badly: {error}");
                }
            });
            Ok::<_, BenchError>((handle.address(), serving))
        })?;
        Ok(Self { address, shutdown, serving: Some(serving), runtime: Some(runtime) })
    }

    /// Where it is.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let (Some(runtime), Some(serving)) = (self.runtime.take(), self.serving.take()) {
            let _ = runtime.block_on(async { tokio::time::timeout(DRAIN_WITHIN, serving).await });
            runtime.shutdown_timeout(DRAIN_WITHIN);
        }
    }
}
