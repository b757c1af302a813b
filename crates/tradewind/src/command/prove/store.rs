//! `tradewind prove store`

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::Context;
use tradewind_events::ErrorCode;
use tradewind_prove::store::{ChildCommand, Options, Report, run};

use crate::command::output::print;
use crate::command::progress::Progress;
use crate::failure::Failure;

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
A failure names its seed; the same seed with --rounds 1 repeats it.

Exit codes: 0 every promise was kept, 1 one was not, 2 wrong usage.

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
        let report = tokio::task::spawn_blocking(move || prove(&options)).await?;
        print(&if json { serde_json::to_string(&report)? } else { report.to_string() })?;
        if report.is_proven() {
            return Ok(());
        }
        let message = format!("{} promises were not kept", report.failures.len());
        Err(Failure::coded(
            ErrorCode::DAMAGED,
            message,
            "repeat a round with its seed: --rounds 1 --kills 0 --seed SEED",
        ))
    }
}

fn prove(options: &Options) -> Report {
    let mut progress = Progress::new();
    let report = run(options, |report| {
        let (done, failed) = (report.simulated_rounds + report.kill_rounds, report.failures.len());
        progress.show(|| format!("{done} of {} rounds, {failed} failures", options.rounds + options.kills));
    });
    progress.end();
    report
}
