//! `tradewind deadletter redrive`

use super::selection::Selection;
use super::service::{Actor, Service};

/// Meet the events of parked keys again, each key's in their order
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Redrive {
    #[command(flatten)]
    service: Service,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    actor: Actor,
}

const AFTER_HELP: &str = "\
It goes on in the service when this has returned: `list` tells what is left. What fails again is parked again, at that
event. New events of a key queue behind it until it is empty.

Examples:
  tradewind deadletter redrive http://127.0.0.1:7102 --failure exhausted --dry-run
  tradewind deadletter redrive http://127.0.0.1:7102 --follower bill-orders --key order-42
  tradewind deadletter redrive http://127.0.0.1:7102 --all";

impl Redrive {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let selected = self.service.post("/admin/deadletters/redrive", &self.actor, &self.selection.wish()).await?;
        self.selection.tell("redrives", "would redrive", &selected)
    }
}
