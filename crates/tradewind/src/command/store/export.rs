//! `tradewind store export`

use std::fs::File;
use std::io::{BufWriter, Write, stderr, stdout};
use std::path::PathBuf;

use anyhow::Context;
use tradewind_store::tool;

use super::selection::Selection;
use super::target::{Missing, Target, settle};
use crate::command::progress::Progress;

/// Write all events as CloudEvents, one a line, for `import` or other tools
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Export {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    selection: Selection,
    /// The file to write; without it, standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
An export of a store that is being written to ends with what was there when it began.

Examples:
  tradewind store export data -o events.ndjson
  tradewind store export http://127.0.0.1:7100 --category order | zstd > orders.ndjson.zst";

impl Export {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let store = self.target.open(Missing::Refuse).await?;
        let source = self.target.source();
        let mut out: Box<dyn Write + Send> = match &self.output {
            Some(path) => {
                let file = File::create_new(path);
                Box::new(BufWriter::new(file.with_context(|| format!("cannot create {}", path.display()))?))
            }
            None => Box::new(BufWriter::new(stdout())),
        };
        let mut progress = Progress::new();
        let mut show = |events, position| progress.show(|| format!("{events} events, position {position}"));
        let selection = self.selection.into_tool();
        let exported = tool::export(store.as_ref(), selection, u64::MAX, &source, &mut *out, &mut show).await;
        progress.end();
        if let Some(events) = settle(exported)? {
            // Who does not read that either has the events.
            let _ = writeln!(stderr(), "{events} events exported");
        }
        Ok(())
    }
}
