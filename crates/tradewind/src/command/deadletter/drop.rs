//! `tradewind deadletter drop`

use super::selection::Selection;
use super::service::{Actor, Service};

/// Give up the event at which a key is parked, and go on with those behind it
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Drop {
    #[command(flatten)]
    service: Service,
    #[command(flatten)]
    selection: Selection,
    /// Give up all events of the key that are there
    #[arg(long)]
    whole_queue: bool,
    #[command(flatten)]
    actor: Actor,
}

const AFTER_HELP: &str = "\
What is dropped stays in the event store; only this follower never meets it. Each is recorded.

Examples:
  tradewind deadletter drop http://127.0.0.1:7102 --follower bill-orders --key order-42
  tradewind deadletter drop http://127.0.0.1:7102 --failure unreadable --whole-queue --dry-run";

impl Drop {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let mut wish = self.selection.wish();
        wish["whole_queue"] = self.whole_queue.into();
        let selected = self.service.post("/admin/deadletters/drop", &self.actor, &wish).await?;
        self.selection.tell("dropped", "would drop", &selected)
    }
}
