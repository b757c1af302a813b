//! `tradewind prove messages`

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tradewind_events::ErrorCode;
use tradewind_prove::messages::{BrokerChoice, ChildCommand, Options, Report, StoreChoice, run_until};

use crate::command::output::print;
use crate::command::progress::Progress;
use crate::failure::{Failure, Interrupted};
use crate::surroundings;

/// Kill services, relays, followers, broker and database under load, cut the network between them, and compare
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Messages {
    /// Over what events go: feeds, nats or rabbitmq, each started for this; or the URL of one that is there
    #[arg(long, default_value = "feeds", value_name = "BROKER", value_parser = parse::<BrokerChoice>)]
    broker: BrokerChoice,
    /// In what they are kept: file:, postgres: (started for this), or postgres://USER@HOST/DATABASE
    #[arg(long, default_value = "file:", value_name = "STORE", value_parser = parse::<StoreChoice>)]
    store: StoreChoice,
    /// How many rounds of load, faults and comparison
    #[arg(long, default_value_t = 20)]
    rounds: u64,
    /// What chance follows from: the same seed gives the same faults at the same times
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the processes keep their logs
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The report as one JSON object
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Two services record events and publish them by a relay; two others follow both, and record what they have of each event
together with how far they are. Processes are killed with SIGKILL and started again, ways between them are closed, held
up, or let through in one direction only. When all is well again, every follower must have what the logs say: nothing
lost, nothing twice, nothing out of order within a key. A broker or a database that is given by its URL is not killed;
it is asked for settings that may lose messages.

Exit codes: 0 every promise was kept, 1 one was not or it could not be run, 2 wrong usage, 130 interrupted.

Examples:
  tradewind prove messages --broker nats --rounds 100
  tradewind prove messages --broker rabbitmq --store postgres: --rounds 300 --seed 7
  tradewind prove messages --broker nats://events.internal:4222 --json";

fn parse<T: std::str::FromStr<Err = String>>(text: &str) -> Result<T, String> {
    text.parse()
}

impl Messages {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let program = std::env::current_exe().context("cannot find this program, to be started again and killed")?;
        let child: ChildCommand = Arc::new(move || {
            let mut command = Command::new(&program);
            command.args(["prove", "messages-child"]);
            command
        });
        let Self { broker, store, rounds, seed, folder, json } = self;
        let options = Options { broker, store, rounds, seed, folder, child };
        let (first, second) = (CancellationToken::new(), CancellationToken::new());
        surroundings::on_signals(first.clone(), second.clone())?;
        let mut progress = Progress::new();
        let proving = run_until(&options, &first, |report| {
            let (rounds, events, failed) = (report.rounds, report.events, report.failures.len());
            progress.show(|| format!("{rounds} of {} rounds, {events} events, {failed} failures", options.rounds));
        });
        // The round that has begun is ended; a second Ctrl-C does not wait.
        let report = tokio::select! {
            report = proving => report,
            () = second.cancelled() => return Err(Interrupted.into()),
        };
        progress.end();
        print(&if json { serde_json::to_string(&report)? } else { report.to_string() })?;
        if let Some(failure) = failure_of(&report) {
            return Err(failure);
        }
        if first.is_cancelled() { Err(Interrupted.into()) } else { Ok(()) }
    }
}

/// A promise that was not kept weighs more than what hindered.
fn failure_of(report: &Report) -> Option<anyhow::Error> {
    if !report.failures.is_empty() {
        let message = format!("{} promises were not kept", report.failures.len());
        let help =
            "the folder that is named has the logs and what the processes said; the same --seed repeats the faults";
        return Some(Failure::coded(ErrorCode::DAMAGED, message, help));
    }
    let why = report.hindered.as_ref()?;
    Some(anyhow::anyhow!("the proof could not be run: {why}"))
}
