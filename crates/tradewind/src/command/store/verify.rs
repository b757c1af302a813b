//! `tradewind store verify`

use tradewind_events::ErrorCode;
use tradewind_log::DiskStorage;

use super::target::Target;
use crate::command::output::print;
use crate::command::progress::Progress;
use crate::failure::Failure;

/// Check every byte of a store's folder, and change none
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Verify {
    #[command(flatten)]
    target: Target,
}

const AFTER_HELP: &str = "\
Exit codes: 0 nothing that was acknowledged is lost, 1 something may be (each place is named), 2 wrong usage.

Example:
  tradewind store verify .tradewind/ordering/events";

impl Verify {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let folder = self.target.folder("verify")?;
        let mut progress = Progress::new();
        let checked = tradewind_log::verify(&DiskStorage::new(&folder)?, |done, all| {
            progress.show(|| format!("segment {done} of {all}"));
        });
        progress.end();
        let report = checked.map_err(|error| {
            let error = tradewind_store::OpenError::from(error);
            Failure::coded(error.code(), &error, "stop the process that has it open")
        })?;
        let mut lines = Vec::new();
        for finding in &report.findings {
            let weight = if finding.loss { "LOSS" } else { "harmless" };
            lines.push(format!("{weight}: {} at offset {}: {}", finding.file, finding.offset, finding.problem));
        }
        let (records, commits, segments, bytes) = (report.records, report.commits, report.segments, report.bytes);
        lines.push(format!(
            "{records} events in {commits} commits and {segments} segments are sound; {bytes} bytes read"
        ));
        print(&lines.join("\n"))?;
        if report.is_sound() {
            return Ok(());
        }
        let message = format!("{} is damaged: something that was acknowledged may be lost", folder.display());
        let help = "keep a copy of the folder, and restore it from a backup or an export";
        Err(Failure::coded(ErrorCode::DAMAGED, message, help))
    }
}
