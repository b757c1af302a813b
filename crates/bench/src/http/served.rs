//! A store that is served on this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tradewind_store::{OpenOptions, Server, ServerOptions};

use super::runtime;
use crate::BenchError;

/// How long the server has to go down.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// A server over a store in a folder, with its own runtime. Dropped, it goes down.
#[derive(Debug)]
pub struct Served {
    url: String,
    shutdown: CancellationToken,
    serving: Option<JoinHandle<()>>,
    runtime: Option<Runtime>,
}

impl Served {
    /// Opens a store and serves it on a free port.
    ///
    /// # Errors
    /// [`BenchError::Store`] or [`BenchError::Io`].
    pub fn start(folder: &Path) -> Result<Self, BenchError> {
        let runtime = runtime("server")?;
        let options = ServerOptions::default();
        let shutdown = options.shutdown.clone();
        let (url, serving) = runtime.block_on(async {
            let store = tradewind_store::open(&format!("file:{}", folder.display()), OpenOptions::default()).await?;
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let server = Server::bind(address, store, options).await.map_err(std::io::Error::other)?;
            Ok::<_, BenchError>((format!("http://{}", server.local_addr()), tokio::spawn(server.run())))
        })?;
        Ok(Self { url, shutdown, serving: Some(serving), runtime: Some(runtime) })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let (Some(runtime), Some(serving)) = (self.runtime.take(), self.serving.take()) {
            // It has answered all; whatever it still says is of no use.
            let _ = runtime.block_on(async { tokio::time::timeout(DRAIN_WITHIN, serving).await });
            runtime.shutdown_timeout(DRAIN_WITHIN);
        }
    }
}
