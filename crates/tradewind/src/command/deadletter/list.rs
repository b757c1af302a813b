//! `tradewind deadletter list`

use serde_json::{Value, json};

use super::service::{Service, escaped};
use crate::command::output::print;

/// List the keys that are parked, each with the event at which it is
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct List {
    #[command(flatten)]
    service: Service,
    /// Of this projection, reaction or process manager alone
    #[arg(long, value_name = "NAME")]
    follower: Option<String>,
    /// Those that failed so: poison, unreadable, panic, exhausted
    #[arg(long, value_name = "CLASS")]
    failure: Option<String>,
    /// parked, waiting (tried again by itself), delayed (not to be delivered yet), or all
    #[arg(long, default_value = "parked")]
    state: String,
    /// At most so many
    #[arg(long, value_name = "KEYS", default_value_t = 1_000)]
    limit: usize,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  tradewind deadletter list http://127.0.0.1:7102
  tradewind deadletter list http://127.0.0.1:7102 --failure exhausted --json | jq -r '.items[].key'";

impl List {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (mut items, mut after) = (Vec::new(), None);
        while items.len() < self.limit {
            let mut answer = self.service.get(&self.path(after.as_deref(), self.limit - items.len())).await?;
            if let Value::Array(found) = answer["items"].take() {
                items.extend(found);
            }
            after = answer["next"].as_str().map(str::to_owned);
            if after.is_none() {
                break;
            }
        }
        if self.json {
            return print(&json!({ "items": items, "more": after.is_some() }).to_string());
        }
        let mut lines: Vec<String> = items.iter().map(line).collect();
        if items.is_empty() {
            lines.push(format!("no key is {}", if self.state == "all" { "set aside" } else { &self.state }));
        } else if after.is_some() {
            lines.push("… and more".to_owned());
        }
        print(&lines.join("\n"))
    }

    fn path(&self, after: Option<&str>, limit: usize) -> String {
        let mut path = format!("/admin/deadletters?state={}&limit={limit}", escaped(&self.state));
        let told = [("follower", self.follower.as_deref()), ("failure", self.failure.as_deref()), ("after", after)];
        for (name, value) in told {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", escaped(value)));
            }
        }
        path
    }
}

/// A key on two lines: what it is, and why.
fn line(item: &Value) -> String {
    let text = |name: &str| item[name].as_str().unwrap_or_default();
    let when = if text("last_failed").is_empty() { text("due") } else { text("last_failed") };
    format!(
        "{} {}: {} {}, {} events from position {}, {} attempts, {}\n    {} {}",
        text("follower"),
        text("key"),
        text("state"),
        text("failure"),
        item["events"],
        item["position"],
        item["attempts"],
        when,
        text("event_type"),
        text("error"),
    )
}
