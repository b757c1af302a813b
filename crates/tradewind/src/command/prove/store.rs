//! `tradewind prove store`

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tradewind_events::ErrorCode;
use tradewind_prove::store::{ChildCommand, Options, Report, run_until};

use crate::command::output::print;
use crate::command::progress::Progress;
use crate::failure::{Failure, Interrupted};
use crate::surroundings;

/// Break disks and kill processes under the embedded log, and look whether anything acknowledged is lost
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Store {
    /// How many rounds on simulated disks that crash, tear, lose, misdirect, fail and fill
    #[arg(long, default_value_t = 2_000)]
    rounds: u64,
    /// How many times a process under load is killed on a real disk
    #[arg(long, default_value_t = 200)]
    kills: u64,
    /// What chance follows from: the same seed gives the same rounds
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the killed processes keep their logs: a folder on the disk in question
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The report as one JSON object
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
A failure on a simulated disk names its seed, which with --rounds 1 --kills 0 repeats it. Nothing repeats the moment of
a kill: there the log is kept, and its folder named.

Exit codes: 0 every promise was kept, 1 one was not or it could not be run, 2 wrong usage, 130 interrupted.

Examples:
  tradewind prove store --rounds 100 --kills 10
  tradewind prove store --rounds 100000 --kills 2000 --seed 7 --folder /mnt/disk";

impl Store {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let program = std::env::current_exe().context("cannot find this program, to be started again and killed")?;
        let child: ChildCommand = Arc::new(move || {
            let mut command = Command::new(&program);
            command.args(["prove", "store-child"]);
            command
        });
        let Self { rounds, kills, seed, folder, json } = self;
        let options = Options { rounds, kills, seed, folder, child: Some(child) };
        let (first, second) = (CancellationToken::new(), CancellationToken::new());
        surroundings::on_signals(first.clone(), second.clone())?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let mut proving = tokio::task::spawn_blocking(move || prove(&options, &told));
        let report = tokio::select! {
            report = &mut proving => report?,
            () = first.cancelled() => {
                // The round that has begun is ended, so that no folder stays behind; a second Ctrl-C does not wait.
                stop.store(true, Ordering::Relaxed);
                tokio::select! {
                    report = &mut proving => report?,
                    () = second.cancelled() => return Err(Interrupted.into()),
                }
            }
        };
        print(&if json { serde_json::to_string(&report)? } else { report.to_string() })?;
        if let Some(failure) = failure_of(&report) {
            return Err(failure);
        }
        if first.is_cancelled() { Err(Interrupted.into()) } else { Ok(()) }
    }
}

/// A promise that was not kept weighs more than what hindered.
fn failure_of(report: &Report) -> Option<anyhow::Error> {
    let broken = &report.failures;
    if !broken.is_empty() {
        let message = format!("{} promises were not kept", broken.len());
        let help = if broken.iter().any(|failure| failure.seed.is_some()) {
            "repeat a simulated round with its seed: --rounds 1 --kills 0 --seed SEED"
        } else {
            "keep the folder that is named: it has the log as the kill left it, and as it was mended"
        };
        return Some(Failure::coded(ErrorCode::DAMAGED, message, help));
    }
    let why = report.hindered.as_ref()?;
    Some(anyhow::anyhow!("the proof could not be run: {why}"))
}

fn prove(options: &Options, stop: &AtomicBool) -> Report {
    let mut progress = Progress::new();
    let report = run_until(options, stop, |report| {
        let (done, failed) = (report.simulated_rounds + report.kill_rounds, report.failures.len());
        progress.show(|| format!("{done} of {} rounds, {failed} failures", options.rounds + options.kills));
    });
    progress.end();
    report
}
