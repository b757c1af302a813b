//! `tradewind store truncate`

use tradewind_events::{Revision, StreamId};

use super::target::{Missing, Target};
use crate::command::output::print;
use crate::failure::Failure;

/// Give up the events of a stream before a revision, for ever
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Truncate {
    #[command(flatten)]
    target: Target,
    /// The stream
    stream: StreamId,
    /// The first revision that is kept; the last event is kept in any case
    #[arg(long, value_name = "REVISION")]
    before: u64,
}

const AFTER_HELP: &str = "\
The events are no longer read by anybody; their space is given back by `tradewind store reclaim`.

Example:
  tradewind store truncate data session-7 --before 1000";

impl Truncate {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let store = self.target.open(Missing::Refuse).await?;
        let truncated = store.truncate(&self.stream, Revision(self.before)).await;
        truncated.map_err(|error| Failure::coded(error.code(), &error, ""))?;
        print(&format!("{} begins at revision {} or its last event", self.stream, self.before))
    }
}
