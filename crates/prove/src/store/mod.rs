//! `tradewind prove store`: rounds on simulated disks, and kills of real processes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use kill::ChildCommand;
pub use report::{Failure, Report};

pub mod check;
pub mod child;
pub mod damage;
pub mod doubt;
pub mod exhaustive;
pub mod kill;
pub mod model;
mod report;
mod round;
pub mod sequence;
pub mod session;
pub mod simulated;
pub mod workload;
pub mod write;

/// What is proven, and for how long.
#[derive(Clone)]
pub struct Options {
    /// How many rounds on simulated disks. Every second one has damage in it.
    pub rounds: u64,
    /// How often a real process is killed on a real disk.
    pub kills: u64,
    /// What chance follows from. The same seed gives the same rounds.
    pub seed: u64,
    /// Where the killed processes have their logs; none: the system's folder for temporary files.
    pub folder: Option<PathBuf>,
    /// How the process is started that is killed; none: none is.
    pub child: Option<ChildCommand>,
}

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// The seeds that this divides are those for which one kind of trouble is made at every place.
const EVERYWHERE_EVERY: u64 = 25;
/// After so many failures there is nothing more to learn.
const FAILURES_MAX: usize = 10;

/// Proves, and tells on the way what it has found so far.
pub fn run(options: &Options, progress: impl FnMut(&Report)) -> Report {
    run_until(options, &AtomicBool::new(false), progress)
}

/// Proves until `stop` is set: the round that has begun is ended, and nothing is left behind.
pub fn run_until(options: &Options, stop: &AtomicBool, mut progress: impl FnMut(&Report)) -> Report {
    let begun = Instant::now();
    let mut told = begun;
    let mut report = Report { seed: options.seed, ..Report::default() };
    let folder = options.folder.clone().unwrap_or_else(std::env::temp_dir);
    let child = options.child.as_ref().filter(|_| options.kills > 0);
    // Asked first: nobody wants to hear of a mistyped folder after all the rounds before it.
    if child.is_some()
        && let Err(error) = kill::try_folder(&folder)
    {
        report.hindered = Some(format!("{}: {error}", folder.display()));
        return report;
    }
    let mut tell = |report: &Report| {
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            progress(report);
        }
    };
    for number in 0..options.rounds {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        simulated_round(options.seed.wrapping_add(number), &mut report);
        tell(&report);
        if report.failures.len() >= FAILURES_MAX {
            break;
        }
    }
    if let Some(child) = child {
        kill::rounds(options.kills, options.seed, &folder, child, stop, &mut report, &mut tell);
    }
    report.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    report
}

/// The rounds that one seed stands for: one without damage, one with it, and for some seeds one in which a kind of
/// trouble comes at every place.
pub fn simulated_round(seed: u64, report: &mut Report) {
    report.simulated_rounds += 1;
    if let Err(problem) = simulated::round(seed, report) {
        report.fail("crash", seed, problem);
    }
    if let Err(problem) = damage::round(seed, report) {
        report.fail("damage", seed, problem);
    }
    if seed.is_multiple_of(EVERYWHERE_EVERY) {
        let troubles = exhaustive::Trouble::all();
        let trouble = troubles[(seed / EVERYWHERE_EVERY) as usize % troubles.len()];
        if let Err(problem) = exhaustive::everywhere(seed, trouble, report) {
            report.fail("everywhere", seed, problem);
        }
    }
}
