//! `tradewind store serve`

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tradewind_events::ErrorCode;
use tradewind_fleet::who_listens_on;
use tradewind_store::{Server, ServerOptions};

use super::target::{Missing, Target};
use crate::command::output::print;
use crate::failure::Failure;
use crate::surroundings;

/// Serve a store over HTTP to other processes and languages
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Serve {
    #[command(flatten)]
    target: Target,
    /// The address to listen on; port 0 for any
    #[arg(long, default_value = "127.0.0.1:7100", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// How many seconds requests have to finish after SIGTERM or Ctrl-C
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    drain: u64,
}

const AFTER_HELP: &str = "\
A folder without a store becomes one. /openapi.json describes the interface.

Examples:
  tradewind store serve data
  curl 'http://127.0.0.1:7100/events?after=0&limit=10'
  curl -N http://127.0.0.1:7100/events/live";

impl Serve {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        surroundings::log_to_stderr();
        let store = self.target.open(Missing::Create).await?;
        let stop = CancellationToken::new();
        surroundings::on_signals(stop.clone(), CancellationToken::new())?;
        let options =
            ServerOptions { shutdown: stop, drain_within: Duration::from_secs(self.drain), ..ServerOptions::default() };
        let server =
            Server::bind(self.listen, store, options).await.map_err(|error| cannot_listen(self.listen, &error))?;
        print(&format!("serving {} at http://{}", self.target.source(), server.local_addr()))?;
        server.run().await;
        Ok(())
    }
}

/// Only of a port that is in use somebody else is to be named.
fn cannot_listen(address: SocketAddr, error: &dyn Error) -> anyhow::Error {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    let in_use = cause.is_some_and(|cause| cause.kind() == io::ErrorKind::AddrInUse);
    let holder = in_use.then(|| who_listens_on(address)).flatten();
    let holder = holder.map(|holder| format!(": {holder} has it")).unwrap_or_default();
    Failure::coded(ErrorCode::PORT_IN_USE, format!("{error}{holder}"), "choose another address with --listen")
}
