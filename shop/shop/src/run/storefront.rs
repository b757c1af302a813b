//! The storefront as a service. It has no events, and so no host: only its page, and a word to whoever asks whether
//! it is well.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Json;
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long open connections may take when the service goes down.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Serves the page until `shutdown`.
pub(super) async fn serve(
    listen: SocketAddr,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let well = || get(|| async { Json(json!({ "status": "ok" })) });
    let router = shop_storefront::router().route("/health/live", well()).route("/health/ready", well());
    let listener = TcpListener::bind(listen).await.with_context(|| format!("failed to listen on {listen}"))?;
    tracing::info!(service = "storefront", address = ?listener.local_addr().ok(), "serving");
    let (told, mut draining) = watch::channel(false);
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown.await;
        told.send_replace(true);
    });
    let overdue = async move {
        // An error means that the server has ended by itself.
        if draining.wait_for(|draining| *draining).await.is_ok() {
            tokio::time::sleep(DRAIN_MAX).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        served = serving => served?,
        () = overdue => tracing::debug!("idle connections were closed"),
    }
    Ok(())
}
