//! `tradewind bench`

use std::path::Path;
use std::process::Stdio;

use crate::{send_signal, tradewind, until};

#[test]
fn an_interrupted_benchmark_leaves_nothing_behind() {
    // On the disk that is built on: where temporary files are may be memory, which is no place to measure.
    let folder = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let entries = || std::fs::read_dir(folder.path()).unwrap().count();
    for signal in ["-INT", "-TERM"] {
        let mut command = tradewind();
        command.args(["bench", "store", "--folder"]).arg(folder.path()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        until(|| entries() > 0 && is_watched(child.id()));
        send_signal(child.id(), signal);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(entries(), 0);
    }
}

#[test]
fn the_gateway_is_measured_beside_who_is_installed() {
    let mut command = tradewind();
    command.args(["bench", "gateway", "--seconds=0.2", "--rounds=1", "--requests=5000", "--skip-missing", "--json"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let figures: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ours = ["proxy", "policies", "cache-hit", "compose", "killed", "memory/plain", "memory/cached"];
    for name in ours.map(|name| format!("{name}/tradewind")) {
        let figure = figures
            .iter()
            .find(|figure| figure["name"] == format!("gateway/{name}"))
            .unwrap_or_else(|| panic!("no figure {name}"));
        assert!(figure["value"].as_f64().unwrap() > 0.0, "{figure}");
        assert!(name != "killed/tradewind" || figure["min"] == 100, "{figure}");
    }
}

/// Whether it has a thread that waits for signals: the folder is there a moment before.
fn is_watched(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    let name = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
    threads.flatten().any(|thread| name(thread).trim_end() == "bench-folder")
}
