//! The storefront as a service. It has no events, and so no host: only its page, and a word to whoever asks whether
//! it is well.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Json;
use axum::routing::get;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tradewind_http::{Limits, Server};

/// How long open connections may take when the service goes down.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Serves the page until `shutdown`.
pub(super) async fn serve(
    listen: SocketAddr,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let well = || get(|| async { Json(json!({ "status": "ok" })) });
    let router = shop_storefront::router().route("/health/live", well()).route("/health/ready", well());
    let server =
        Server::bind(listen, Limits::default()).await.with_context(|| format!("failed to listen on {listen}"))?;
    tracing::info!(service = "storefront", address = %server.local_addr(), "serving");
    let draining = CancellationToken::new();
    let stop = draining.clone();
    tokio::spawn(async move {
        shutdown.await;
        stop.cancel();
    });
    server.run(move |_| TowerToHyperService::new(router.clone()), draining, DRAIN_MAX).await;
    Ok(())
}
