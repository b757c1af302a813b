//! `tradewind store tail`

use std::io::{BufWriter, stdout};

use tokio_util::sync::CancellationToken;
use tradewind_events::Position;
use tradewind_store::tool;

use super::selection::Filter;
use super::target::{Missing, Target, settle};
use crate::surroundings;

/// Print events as they come, as CloudEvents, one a line, until Ctrl-C
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Tail {
    #[command(flatten)]
    target: Target,
    /// Begin after this position; without it, with what comes next
    #[arg(long, value_name = "POSITION")]
    after: Option<u64>,
    #[command(flatten)]
    filter: Filter,
}

const AFTER_HELP: &str = "\
Examples:
  tradewind store tail http://127.0.0.1:7100
  tradewind store tail http://127.0.0.1:7100 --after 0 --category order";

impl Tail {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let store = self.target.open(Missing::Refuse).await?;
        let after = match self.after {
            Some(position) => Position(position),
            None => settle(store.head().await.map_err(tool::ToolError::from))?.unwrap_or_default(),
        };
        let stop = CancellationToken::new();
        surroundings::on_signals(stop.clone(), CancellationToken::new())?;
        let mut out = BufWriter::new(stdout());
        let source = self.target.source();
        let query = self.filter.query();
        settle(tool::tail(store.as_ref(), after, query, &source, &mut out, &stop).await).map(drop)
    }
}
