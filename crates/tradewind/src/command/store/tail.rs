//! `tradewind store tail`

use std::io::{BufWriter, Write, stderr, stdout};

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
A folder is open in one process at a time: what comes to it comes through whoever serves it, so tail that one's URL.

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
        if self.target.is_folder() {
            self.warn();
        }
        let stop = CancellationToken::new();
        surroundings::on_signals(stop.clone(), CancellationToken::new())?;
        let mut out = BufWriter::new(stdout());
        let source = self.target.source();
        let query = self.filter.query();
        settle(tool::tail(store.as_ref(), after, query, &source, &mut out, &stop).await).map(drop)
    }

    /// Whoever tails a folder waits for what cannot come.
    fn warn(&self) {
        let source = self.target.source();
        let folder = source.strip_prefix("file:").unwrap_or(&source);
        // Who does not read it has been told all the same.
        let _ = writeln!(
            stderr(),
            "warning: nobody else can append to {folder} while this has it open\n\
             help: serve it with `tradewind store serve {folder}`, and tail and append to the URL that it tells"
        );
    }
}
