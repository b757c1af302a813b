//! `tradewind prove messages-child`: the processes that `prove messages` kills.

use crate::surroundings;

/// Be what standard input assigns, until killed
#[derive(Debug, clap::Args)]
pub(crate) struct MessagesChild {}

impl MessagesChild {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        surroundings::log_to_stderr();
        tradewind_prove::messages::child::main().await.map_err(|error| anyhow::anyhow!(error))
    }
}
