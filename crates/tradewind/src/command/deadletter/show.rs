//! `tradewind deadletter show`

use serde_json::Value;

use super::service::{Service, escaped};
use crate::command::output::print;

/// Show a key with its events, in the order in which they are to be met
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Show {
    #[command(flatten)]
    service: Service,
    /// Whose it is: the projection, reaction or process manager
    #[arg(long, value_name = "NAME")]
    follower: String,
    /// The key, as `list` tells it
    #[arg(long, value_name = "KEY")]
    key: String,
    /// Events behind this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    after: u64,
    /// At most so many
    #[arg(long, value_name = "EVENTS", default_value_t = 100)]
    limit: usize,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Example:
  tradewind deadletter show http://127.0.0.1:7102 --follower bill-orders --key order-42";

impl Show {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (follower, key) = (escaped(&self.follower), escaped(&self.key));
        let path = format!("/admin/deadletters/{follower}/{key}?after={}&limit={}", self.after, self.limit);
        let shown = self.service.get(&path).await?;
        if self.json {
            return print(&shown.to_string());
        }
        let mut lines = Vec::new();
        for name in ["state", "failure", "error", "attempts", "first_failed", "last_failed", "due", "events"] {
            match &shown[name] {
                Value::Null => {}
                Value::String(text) if text.is_empty() => {}
                Value::String(text) => lines.push(format!("{name:<14} {text}")),
                other => lines.push(format!("{name:<14} {other}")),
            }
        }
        for event in shown["queue"].as_array().into_iter().flatten() {
            let text = |name: &str| event[name].as_str().unwrap_or_default();
            lines.push(format!("{:<14} {} {} {}", event["position"], text("type"), text("stream"), text("time")));
            lines.push(format!("    {}", event["data"]));
            if !event["fixed"].is_null() {
                lines.push(format!("    fixed: {}", event["fixed"]));
            }
        }
        if shown["more"] == true {
            lines.push("… and more".to_owned());
        }
        print(&lines.join("\n"))
    }
}
