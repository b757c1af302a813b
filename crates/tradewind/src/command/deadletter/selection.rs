//! Which keys something is done to.

use serde_json::{Value, json};

use crate::command::output::print;

/// One key, those of one kind of failure, or all.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Which {
    /// Every key that is parked
    #[arg(long)]
    all: bool,
    /// Every key that is parked for this: poison, unreadable, panic, exhausted
    #[arg(long, value_name = "CLASS")]
    failure: Option<String>,
    /// This key, as `list` tells it; --follower says whose
    #[arg(long, value_name = "KEY", requires = "follower")]
    key: Option<String>,
}

/// The same, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Selection {
    #[command(flatten)]
    which: Which,
    /// Of this projection, reaction or process manager alone
    #[arg(long, value_name = "NAME")]
    follower: Option<String>,
    /// Only tell which keys, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

impl Selection {
    /// What the service is asked for.
    pub(super) fn wish(&self) -> Value {
        let mut wish = json!({ "dry_run": self.dry_run });
        let told = [("follower", &self.follower), ("key", &self.which.key), ("failure", &self.which.failure)];
        for (name, value) in told {
            if let Some(value) = value {
                wish[name] = value.as_str().into();
            }
        }
        if self.which.all {
            wish["all"] = true.into();
        }
        wish
    }

    /// Says to what something was, or would be, done.
    pub(super) fn tell(&self, done: &str, would: &str, selected: &Value) -> anyhow::Result<()> {
        if self.json {
            return print(&selected.to_string());
        }
        let items = selected["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let word = if self.dry_run { would } else { done };
        let mut lines = vec![format!("{word} {} events of {} keys", selected["events"], selected["keys"])];
        for item in items {
            let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
            lines.push(format!("  {:<28} {:<40} {:>8}", text("follower"), text("key"), item["events"]));
        }
        if selected["keys"].as_u64().unwrap_or_default() > items.len() as u64 {
            lines.push("  and more".to_owned());
        }
        print(&lines.join("\n"))
    }
}
