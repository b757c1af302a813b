//! `tradewind prove messages`

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tradewind_events::ErrorCode;
use tradewind_prove::messages::{BrokerChoice, ChildCommand, Means, Options, Report, StoreChoice, run_until};

use crate::command::output::print;
use crate::command::progress::Progress;
use crate::failure::{Failure, Interrupted};
use crate::surroundings;

/// Kill services, relays, followers, broker and database under load, cut the network between them, and compare
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Messages {
    /// Over what events go: feeds, nats, rabbitmq or kafka, each started for this; or the URL of one that is there
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
    /// By what ways are cut: packets (root, with iptables) or proxies. Without it: packets where that is possible
    #[arg(long, value_name = "MEANS", value_parser = means)]
    network: Option<Means>,
    /// It runs in a network namespace of its own already
    #[arg(long, hide = true)]
    in_namespace: bool,
}

const AFTER_HELP: &str = "\
Two services record events and publish them by a relay; two others follow both, and record what they have of each event
together with how far they are. Processes are killed with SIGKILL and started again, ways between them are closed, held
up, or let through in one direction only. When all is well again, every follower must have what the logs say: nothing
lost, nothing twice, nothing out of order within a key. The report says by what ways were cut. A broker or a database that is given by its URL is not killed;
it is asked for settings that may lose messages.

Exit codes: 0 every promise was kept, 1 one was not or it could not be run, 2 wrong usage, 130 interrupted.

Examples:
  tradewind prove messages --broker nats --rounds 100
  tradewind prove messages --broker rabbitmq --store postgres: --rounds 300 --seed 7
  tradewind prove messages --broker nats://events.internal:4222 --json";

fn means(text: &str) -> Result<Means, String> {
    match text {
        "packets" => Ok(Means::Packets),
        "proxies" => Ok(Means::Proxies),
        other => Err(format!("{other} is neither packets nor proxies")),
    }
}

fn parse<T: std::str::FromStr<Err = String>>(text: &str) -> Result<T, String> {
    text.parse()
}

impl Messages {
    /// By what ways are cut. Packets are dropped in a network namespace of its own, which nobody else is touched by; to
    /// be in one, this program becomes another of its kind. What is given by a URL could not be reached from there.
    fn means(&self) -> anyhow::Result<Means> {
        if self.in_namespace {
            let up = Command::new("ip").args(["link", "set", "lo", "up"]).status().context("ip cannot be run")?;
            anyhow::ensure!(up.success(), "the namespace's loopback interface cannot be brought up");
            return Ok(Means::Packets);
        }
        let is_given = matches!(self.broker, BrokerChoice::Given(_)) || matches!(self.store, StoreChoice::Given(_));
        let wanted = self.network;
        if wanted == Some(Means::Packets) {
            anyhow::ensure!(
                !is_given,
                "what is given by a URL cannot be reached from a network namespace: use proxies"
            );
            anyhow::ensure!(
                can_drop_packets(),
                "packets are dropped by root, with unshare, ip and iptables: use proxies"
            );
        }
        if wanted == Some(Means::Proxies) || is_given || !can_drop_packets() {
            return Ok(Means::Proxies);
        }
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut command = Command::new("unshare");
        command.args(["--net", "--"]).arg(program).args(std::env::args_os().skip(1)).arg("--in-namespace");
        // It comes back only if that fails.
        Err(command.exec()).context("a network namespace cannot be made; use --network proxies")
    }

    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let program = std::env::current_exe().context("cannot find this program, to be started again and killed")?;
        let child: ChildCommand = Arc::new(move || {
            let mut command = Command::new(&program);
            command.args(["prove", "messages-child"]);
            command
        });
        let means = self.means()?;
        let Self { broker, store, rounds, seed, folder, json, .. } = self;
        let options = Options { broker, store, means, rounds, seed, folder, child };
        let (first, second) = (CancellationToken::new(), CancellationToken::new());
        surroundings::on_signals(first.clone(), second.clone())?;
        let mut progress = Progress::new();
        let mut show = |report: &Report| {
            let (rounds, events, failed) = (report.rounds, report.events, report.failures.len());
            progress.show(|| format!("{rounds} of {} rounds, {events} events, {failed} failures", options.rounds));
        };
        let proving = run_until(&options, &first, &mut show);
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

/// Whether a network namespace can be made, and rules in it.
fn can_drop_packets() -> bool {
    let mut trying = Command::new("unshare");
    trying.args(["--net", "--", "sh", "-c", "ip link set lo up && iptables -w 5 -S"]);
    let tried = trying.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
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
