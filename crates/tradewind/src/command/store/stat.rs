//! `tradewind store stat`

use serde_json::json;
use tradewind_store::tool::{self, StoreStat, ToolError};

use super::target::{Missing, Target, settle};
use crate::command::output::print;
use crate::command::progress::Progress;

/// Count what is in a store, by category and type
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tradewind store stat .tradewind/ordering/events")]
pub(crate) struct Stat {
    #[command(flatten)]
    target: Target,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

impl Stat {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let folder = self.target.open_folder().await?;
        let mut progress = Progress::new();
        let mut show = |at, head| progress.show(|| format!("position {at} of {head}"));
        let counted = match &folder {
            Some(store) => tool::stat(store, &mut show).await,
            None => tool::stat(self.target.open(Missing::Refuse).await?.as_ref(), &mut show).await,
        };
        progress.end();
        let Some(stat) = settle(counted.map_err(ToolError::from))? else { return Ok(()) };
        let log = folder.map(|store| store.stat());
        if self.json {
            let log = log
                .map(|log| json!({"id": format!("{:032x}", log.store), "segments": log.segments, "bytes": log.bytes}));
            return print(&json!({"store": stat, "log": log}).to_string());
        }
        let mut lines = Vec::new();
        if let Some(log) = log {
            lines.push(format!("store {:032x}: {} segments, {} bytes", log.store, log.segments, log.bytes));
        }
        describe(&stat, &mut lines);
        print(&lines.join("\n"))
    }
}

fn describe(stat: &StoreStat, lines: &mut Vec<String>) {
    lines.push(format!(
        "{} events in {} streams, {} bytes of data; head {}",
        stat.events, stat.streams, stat.data_bytes, stat.head
    ));
    if let (Some(first), Some(last)) = (stat.first_recorded, stat.last_recorded) {
        lines.push(format!("recorded from {first} to {last}"));
    }
    for (name, category) in &stat.categories {
        let (events, streams, bytes) = (category.events, category.streams, category.data_bytes);
        lines.push(format!("{name}: {events} events in {streams} streams, {bytes} bytes"));
        for (event_type, events) in &category.types {
            lines.push(format!("  {event_type:<32} {events:>12}"));
        }
    }
}
