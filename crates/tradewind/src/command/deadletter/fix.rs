//! `tradewind deadletter fix`

use std::path::PathBuf;

use anyhow::Context;

use super::service::{Actor, Service, escaped};
use crate::command::output::print;

/// Let an event of a parked key say something else when it is met again
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Fix {
    #[command(flatten)]
    service: Service,
    /// Whose it is: the projection, reaction or process manager
    #[arg(long, value_name = "NAME")]
    follower: String,
    /// The key, as `list` tells it
    #[arg(long, value_name = "KEY")]
    key: String,
    /// The event, as `show` tells it
    #[arg(long, value_name = "POSITION")]
    position: u64,
    /// What it is to say, as JSON
    #[arg(long, value_name = "JSON", required_unless_present = "file", conflicts_with = "file")]
    data: Option<String>,
    /// The same from a file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    actor: Actor,
}

const AFTER_HELP: &str = "\
The event in the store stays what it is; who else follows it, meets it as it was recorded.

Example:
  tradewind deadletter fix http://127.0.0.1:7102 --follower bill-orders --key order-42 \\
    --position 1042 --data '{\"order_id\":\"42\",\"paid_at\":\"2026-11-22T10:00:00Z\"}'
  tradewind deadletter redrive http://127.0.0.1:7102 --follower bill-orders --key order-42";

impl Fix {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let data = match (self.data, &self.file) {
            (Some(data), _) => data,
            (None, Some(file)) => {
                std::fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))?
            }
            (None, None) => String::new(),
        };
        let (follower, key) = (escaped(&self.follower), escaped(&self.key));
        let path = format!("/admin/deadletters/{follower}/{key}/{}", self.position);
        self.service.put(&path, &self.actor, data).await?;
        print(&format!("fixed the event at position {}; redrive {} to have it met", self.position, self.key))
    }
}
