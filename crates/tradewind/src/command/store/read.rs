//! `tradewind store read`

use std::io::{BufWriter, stdout};

use tradewind_store::tool;

use super::selection::Selection;
use super::target::{Missing, Target, settle};

/// Print events as CloudEvents, one a line
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Read {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    selection: Selection,
    /// The most events
    #[arg(long, default_value_t = 100)]
    limit: u64,
}

const AFTER_HELP: &str = "\
Examples:
  tradewind store read .tradewind/ordering/events --stream order-7
  tradewind store read http://127.0.0.1:7100 --type OrderShipped --limit 5
  tradewind store read data --stream order-7 --backward --limit 1 | jq .data";

impl Read {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let store = self.target.open(Missing::Refuse).await?;
        let mut out = BufWriter::new(stdout());
        let source = self.target.source();
        let selection = self.selection.into_tool();
        let read = tool::export(store.as_ref(), selection, self.limit, &source, &mut out, &mut |_, _| {}).await;
        settle(read).map(drop)
    }
}
