//! `tradewind store move`

use serde_json::json;
use tradewind_events::ErrorCode;
use tradewind_store::moving::{Moved, Progress as At, relocate};
use tradewind_store::{OpenOptions, StoreUrl, open_movable};

use super::target::refused;
use crate::command::output::print;
use crate::command::progress::Progress;
use crate::failure::Failure;

/// Move a store to another engine or place, keeping ids, positions, revisions and times
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Relocate {
    /// The store: a folder, file:PATH, or postgres://USER@HOST/DATABASE?schema=NAME
    from: String,
    /// Where it goes, in the same words: empty, or holding what an earlier move has brought there
    to: String,
    /// What was moved, as one JSON object
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Every event is compared with what arrived. Read models go on where they are: positions are the same.

A schema in PostgreSQL is moved while it is written to. Writers wait only for the last events, and are told from then
on where the store is. A folder is open in one process at a time: stop the service that has it, and start it again on
the new URL. A store that is only known as http:// cannot be moved: name its folder or schema.

A move that was interrupted is simply repeated, and goes on. The old store is kept, and takes nothing any more; a
folder is one again without its file moved-to.

Examples:
  tradewind store move .tradewind/ordering/events 'postgres://app@db1/shop?schema=ordering'
  tradewind store move 'postgres://app@db1/shop?schema=ordering' file:/var/lib/ordering --json";

impl Relocate {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (from, to) = (parse(&self.from)?, parse(&self.to)?);
        if from.to_string() == to.to_string() {
            let message = format!("{to} is both where the store is and where it goes");
            return Err(Failure::coded(ErrorCode::CANNOT_MOVE, message, "name another folder or schema"));
        }
        if let StoreUrl::File(folder) = &from {
            let is_store = std::fs::read_dir(folder)
                .is_ok_and(|files| files.flatten().any(|file| file.file_name().to_string_lossy().ends_with(".log")));
            if !is_store {
                let message = format!("{} is not an event store", self.from);
                return Err(Failure::coded(ErrorCode::NOT_A_STORE, message, "name the folder with the events"));
            }
        }
        let existing = OpenOptions { create: false, ..OpenOptions::default() };
        let source = open_movable(&from, existing).await.map_err(|error| refused(&error))?;
        let target = open_movable(&to, OpenOptions::default()).await.map_err(|error| refused(&error))?;
        let mut progress = Progress::new();
        let mut show = |at| progress.show(|| told(at));
        let moved = relocate(source.as_ref(), target.as_ref(), &to.to_string(), &mut show).await;
        progress.end();
        let moved = moved.map_err(|error| {
            let help = match error.code() {
                ErrorCode::CANNOT_MOVE => "name a new folder or schema; the source is as it was",
                ErrorCode::MOVED => "use it there; a store moves once",
                ErrorCode::OUTCOME_UNKNOWN => "repeat the move: it goes on, or says that the store has moved",
                _ => "the source is as it was; repeat the move, and it goes on where it was",
            };
            Failure::coded(error.code(), &error, help)
        })?;
        let to = to.to_string();
        print(&if self.json { as_json(&to, moved) } else { as_text(&to, moved) })
    }
}

/// A folder by its whole path: what is left behind must lead there from anywhere.
fn parse(argument: &str) -> anyhow::Result<StoreUrl> {
    match StoreUrl::from_argument(argument).map_err(|error| refused(&error))? {
        StoreUrl::File(folder) => Ok(StoreUrl::File(std::path::absolute(folder)?)),
        other => Ok(other),
    }
}

fn told(at: At) -> String {
    match at {
        At::Copying { at, head } => format!("copying: position {at} of {head}"),
        At::Comparing { at, head } => format!("comparing: position {at} of {head}"),
        At::Switching => "switching".to_owned(),
    }
}

fn as_text(to: &str, moved: Moved) -> String {
    let Moved { events, there_before, given_up, truncated, snapshots, checksum, stopped } = moved;
    format!(
        "{events} events are at {to}, each compared; checksum {checksum:032x}\n\
         {there_before} had been there before; {given_up} had been given up, of {truncated} streams; {snapshots} \
         snapshots came along\n\
         writers were stopped for {:.1} ms",
        stopped.as_secs_f64() * 1_000.0
    )
}

fn as_json(to: &str, moved: Moved) -> String {
    json!({
        "to": to, "events": moved.events, "thereBefore": moved.there_before, "givenUp": moved.given_up,
        "truncatedStreams": moved.truncated, "snapshots": moved.snapshots,
        "checksum": format!("{:032x}", moved.checksum), "stoppedMs": moved.stopped.as_secs_f64() * 1_000.0,
    })
    .to_string()
}
