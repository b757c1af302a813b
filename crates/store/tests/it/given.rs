//! What these tests begin with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tradewind_events::EventStore;
use tradewind_store::{ClientOptions, HttpStore, Server, ServerOptions};

/// A server in this process, which ends with this.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) task: JoinHandle<()>,
    pub(crate) shutdown: CancellationToken,
    _stop: DropGuard,
}

impl Served {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn client(&self) -> Arc<dyn EventStore> {
        Arc::new(HttpStore::new(&self.url(), quick()).unwrap())
    }
}

/// A client that gives up soon.
pub(crate) fn quick() -> ClientOptions {
    ClientOptions {
        retry_for: Duration::from_secs(2),
        pause_first: Duration::from_millis(5),
        pause_max: Duration::from_millis(50),
        ..ClientOptions::default()
    }
}

pub(crate) async fn serve(store: Arc<dyn EventStore>) -> Served {
    serve_at("127.0.0.1:0".parse().unwrap(), store, ServerOptions::default()).await
}

pub(crate) async fn serve_at(address: SocketAddr, store: Arc<dyn EventStore>, options: ServerOptions) -> Served {
    let shutdown = options.shutdown.clone();
    let server = Server::bind(address, store, options).await.unwrap();
    let address = server.local_addr();
    Served { address, task: tokio::spawn(server.run()), _stop: shutdown.clone().drop_guard(), shutdown }
}
