//! `tradewind store append`

use std::io::Read;
use std::str::FromStr;

use anyhow::Context;
use serde_json::{Value, json};
use tradewind_events::{EventId, EventType, ExpectedRevision, Revision, StreamId, SystemClock, Tag};
use tradewind_store::tool;

use super::target::{Missing, Target, settle};
use crate::command::output::print;

/// Append one event, or the CloudEvents on standard input, all or none
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Append {
    #[command(flatten)]
    target: Target,
    /// The event's stream; without it, CloudEvents are read from standard input
    #[arg(long, requires = "event_type", requires = "data")]
    stream: Option<StreamId>,
    /// The event's type
    #[arg(long = "type", value_name = "TYPE", requires = "stream")]
    event_type: Option<EventType>,
    /// The event's data
    #[arg(long, value_name = "JSON", requires = "stream", value_parser = parse_json)]
    data: Option<Value>,
    /// A tag; may be repeated
    #[arg(long, requires = "stream")]
    tag: Vec<Tag>,
    /// The event's id, a UUID, so that repeating the command writes nothing; without it, a new one
    #[arg(long, requires = "stream")]
    id: Option<EventId>,
    /// What every stream must be: any, none (new), exists, or its last revision
    #[arg(long, default_value = "any", value_parser = parse_expected)]
    expected: ExpectedRevision,
}

const AFTER_HELP: &str = "\
Examples:
  tradewind store append data --stream note-1 --type NoteTaken --data '{\"text\":\"hello\"}' --expected none
  tradewind store append http://127.0.0.1:7100 < events.ndjson";

fn parse_json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn parse_expected(text: &str) -> Result<ExpectedRevision, String> {
    match text {
        "any" => Ok(ExpectedRevision::Any),
        "none" => Ok(ExpectedRevision::None),
        "exists" => Ok(ExpectedRevision::Exists),
        number => match u64::from_str(number) {
            Ok(revision) => Ok(ExpectedRevision::Exactly(Revision(revision))),
            Err(_) => Err("write any, none, exists, or a revision".to_owned()),
        },
    }
}

impl Append {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let text = match (&self.stream, &self.event_type, &self.data) {
            (Some(stream), Some(event_type), Some(data)) => {
                let tags: Vec<&str> = self.tag.iter().map(Tag::as_str).collect();
                let id = self.id.unwrap_or_default();
                let mut event = json!({
                    "specversion": "1.0", "id": id.to_string(), "source": "/tradewind/append",
                    "subject": stream, "type": event_type, "data": data,
                });
                if !tags.is_empty() {
                    event["tags"] = tags.join(",").into();
                }
                event.to_string()
            }
            _ => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
                text
            }
        };
        let store = self.target.open(Missing::Create).await?;
        if let Some(appended) = settle(tool::append(store.as_ref(), &text, self.expected, &SystemClock).await)? {
            let revisions = appended.revisions.iter().map(|revision| revision.map(|revision| revision.0));
            let (first, last) = (appended.first, appended.last);
            let revisions: Vec<Option<u64>> = revisions.collect();
            let duplicate = appended.duplicate;
            let told = json!({"first": first, "last": last, "revisions": revisions, "duplicate": duplicate});
            print(&told.to_string())?;
        }
        Ok(())
    }
}
