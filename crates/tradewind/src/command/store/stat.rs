//! `tradewind store stat`

use serde_json::json;
use tradewind_store::tool::{self, StoreStat, ToolError};

use super::target::{Missing, Target, settle};
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
            println!("{}", json!({"store": stat, "log": log}));
            return Ok(());
        }
        if let Some(log) = log {
            println!("store {:032x}: {} segments, {} bytes", log.store, log.segments, log.bytes);
        }
        print(&stat);
        Ok(())
    }
}

fn print(stat: &StoreStat) {
    println!(
        "{} events in {} streams, {} bytes of data; head {}",
        stat.events, stat.streams, stat.data_bytes, stat.head
    );
    if let (Some(first), Some(last)) = (stat.first_recorded, stat.last_recorded) {
        println!("recorded from {first} to {last}");
    }
    for (name, category) in &stat.categories {
        println!("{name}: {} events in {} streams, {} bytes", category.events, category.streams, category.data_bytes);
        for (event_type, events) in &category.types {
            println!("  {event_type:<32} {events:>12}");
        }
    }
}
