//! Many lives of many logs, on disks that fail in every way.

use tradewind_prove::store::{Options, run};

use crate::number;

#[test]
fn every_acknowledged_event_is_there_after_whatever_happens_to_the_disk() {
    let options = Options {
        rounds: number("TRADEWIND_SEEDS", 400),
        kills: 0,
        seed: number("TRADEWIND_SEED", 1),
        folder: None,
        child: None,
    };
    let report = run(&options, |_| {});
    println!("{report}");
    assert!(report.is_proven(), "{report}");
}
