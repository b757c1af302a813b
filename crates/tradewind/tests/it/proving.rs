//! `tradewind prove`

use serde_json::Value;

use crate::{stderr_of, tradewind};

#[test]
fn the_store_is_proven_on_simulated_disks_and_by_killing_this_program() {
    let output = tradewind().args(["prove", "store", "--rounds", "5", "--kills", "2", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr_of(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["simulated_rounds"], &report["kill_rounds"]), (&5.into(), &2.into()));
    assert_eq!(report["failures"], Value::Array(Vec::new()));
}
