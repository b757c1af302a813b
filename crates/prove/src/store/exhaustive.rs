//! The same short life over and over, with one thing going wrong at each place where it can.

use tradewind_testkit::disk::{Effect, Fault, Operation};

use super::report::Report;
use super::round::Round;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// What goes wrong, once in each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The power goes at the n-th operation, and comes back to a machine that opens the log undisturbed.
    Crash,
    /// The power goes at the n-th operation, and again at the m-th of the recovery, for some m.
    CrashTwice {
        /// At which operation of the recovery.
        recovery: u64,
    },
    /// The process is killed at the n-th operation, and its bytes stay in the page cache; the power goes when the
    /// log has been opened again and has taken more.
    KillThenCrash,
    /// The n-th operation of a kind fails with an `errno`.
    Fail(Operation, i32),
}

impl Trouble {
    /// Every kind there is.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let kinds = [Operation::Write, Operation::Sync, Operation::SyncNames, Operation::Create, Operation::Rename];
        let mut all = vec![Self::Crash, Self::KillThenCrash];
        all.extend(kinds.into_iter().flat_map(|kind| [EIO, ENOSPC].map(|errno| Self::Fail(kind, errno))));
        all.extend((1..=8).map(|recovery| Self::CrashTwice { recovery }));
        all
    }
}

/// Plays the life that a seed stands for with this trouble at every place, until it would come too late. Answers
/// how many places there are.
///
/// # Errors
/// The first promise that is not kept, and at which place.
pub fn everywhere(seed: u64, trouble: Trouble, report: &mut Report) -> Result<u64, String> {
    for place in 1.. {
        let mut round = Round::new(seed, 4, report);
        let came = one(&mut round, trouble, place)
            .map_err(|problem| format!("{trouble:?} at {place}: {problem}; before: {}", round.told()))?;
        report.count("places where something went wrong", u64::from(came));
        if !came {
            return Ok(place - 1);
        }
    }
    Ok(u64::MAX)
}

fn one(round: &mut Round<'_>, trouble: Trouble, place: u64) -> Result<bool, String> {
    match trouble {
        Trouble::Fail(operation, errno) => round.disk.plan(Fault::new(operation, place, Effect::Fail(errno))),
        _ => round.disk.crash_at(place),
    }
    let session = match round.try_open() {
        Ok(session) => Some(session),
        Err(tradewind_log::OpenError::Io { .. }) => None,
        Err(other) => return Err(format!("opening after no damage: {other}")),
    };
    if let Some(session) = &session {
        round.steps(session, 30)?;
    }
    let came = if matches!(trouble, Trouble::Fail(..)) { round.disk.planned() == 0 } else { round.disk.is_down() };
    match trouble {
        Trouble::Crash => round.disk.crash(),
        Trouble::CrashTwice { recovery } => {
            round.disk.crash();
            round.disk.crash_at(round.disk.operations() + recovery);
            drop(round.try_open());
            round.disk.crash();
        }
        Trouble::KillThenCrash | Trouble::Fail(..) => round.disk.kill(),
    }
    drop(session);
    round.disk.clear_plan();
    let session = round.open_untroubled()?;
    round.look(&session)?;
    round.steps(&session, 4)?;
    // Whatever the reopened log has shown and taken is as durable as anything.
    round.disk.crash();
    drop(session);
    round.finish()?;
    Ok(came)
}
