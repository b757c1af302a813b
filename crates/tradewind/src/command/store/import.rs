//! `tradewind store import`

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::PathBuf;

use anyhow::Context;
use tradewind_events::SystemClock;
use tradewind_store::tool::{self, ImportOptions, Imported};

use super::target::{Missing, Target, settle};
use crate::command::output::print;
use crate::command::progress::Progress;

/// Append CloudEvents from a file, one a line, keeping their order and ids
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Import {
    #[command(flatten)]
    target: Target,
    /// The file to read; without it, or with -, standard input
    file: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Events that are in the store already are counted and not written again, so an import that was interrupted is
simply repeated. A malformed line ends it; what stands before that line has been imported.

Examples:
  tradewind store import data events.ndjson
  tradewind store export old | tradewind store import http://127.0.0.1:7100";

impl Import {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let input: Box<dyn BufRead + Send> = match self.file.as_deref() {
            Some(path) if path.as_os_str() != "-" => {
                let file = File::open(path);
                Box::new(BufReader::new(file.with_context(|| format!("cannot open {}", path.display()))?))
            }
            _ => Box::new(BufReader::new(stdin())),
        };
        let store = self.target.open(Missing::Create).await?;
        let mut progress = Progress::new();
        let mut show = |done: Imported| progress.show(|| told(done));
        let options = ImportOptions::default();
        let imported = tool::import(store.as_ref(), input, &SystemClock, &options, &mut show).await;
        progress.end();
        if let Some(done) = settle(imported)? {
            print(&told(done))?;
        }
        Ok(())
    }
}

fn told(done: Imported) -> String {
    format!("{} events imported, {} were there already", done.events, done.duplicates)
}
