//! One thing goes wrong, at every place where it can.

use tradewind_prove::store::Report;
use tradewind_prove::store::exhaustive::{Trouble, everywhere};
use tradewind_testkit::disk::Operation;

use crate::number;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

fn keeps_its_word(troubles: &[Trouble], seeds: u64) {
    let mut report = Report::default();
    for seed in 1..=number("TRADEWIND_EVERYWHERE", seeds) {
        for trouble in troubles {
            let places = everywhere(seed, *trouble, &mut report);
            let places = places.unwrap_or_else(|problem| panic!("seed {seed}: {problem}"));
            assert!(places > 0, "{trouble:?} never came with seed {seed}");
        }
    }
    println!("{report}");
}

#[test]
fn a_power_cut_at_every_operation_loses_nothing() {
    keeps_its_word(&[Trouble::Crash], 6);
}

#[test]
fn a_second_power_cut_at_every_operation_of_the_recovery_loses_nothing() {
    let twice: Vec<_> = (1..=8).map(|recovery| Trouble::CrashTwice { recovery }).collect();
    keeps_its_word(&twice, 1);
}

#[test]
fn a_power_cut_after_a_kill_at_every_operation_loses_nothing() {
    keeps_its_word(&[Trouble::KillThenCrash], 6);
}

#[test]
fn a_failure_of_the_nth_write_or_sync_or_name_loses_nothing() {
    let kinds = [Operation::Write, Operation::Sync, Operation::SyncNames, Operation::Create, Operation::Rename];
    let troubles: Vec<_> =
        kinds.into_iter().flat_map(|kind| [EIO, ENOSPC].map(|errno| Trouble::Fail(kind, errno))).collect();
    keeps_its_word(&troubles, 2);
}
