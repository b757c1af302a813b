//! `tradewind store reclaim`

use super::target::{Target, needs_a_folder};
use crate::command::output::print;
use crate::failure::Failure;

/// Give the space of truncated events back to the disk
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tradewind store reclaim data")]
pub(crate) struct Reclaim {
    #[command(flatten)]
    target: Target,
}

impl Reclaim {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Some(store) = self.target.open_folder().await? else {
            return Err(needs_a_folder(&self.target.source(), "reclaim"));
        };
        let bytes = store.reclaim().await.map_err(|error| Failure::coded(error.code(), &error, ""))?;
        print(&format!("{bytes} bytes reclaimed"))
    }
}
