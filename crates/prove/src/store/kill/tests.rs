use std::sync::atomic::AtomicBool;

use super::*;

/// Kills a shell that does as the script says; what came of it, and the folder in which it was.
fn prove(script: &'static str, kills: u64) -> (Report, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let command: ChildCommand = Arc::new(move || {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    });
    let mut report = Report::default();
    rounds(kills, 1, folder.path(), &command, &AtomicBool::new(false), &mut report, |_| {});
    (report, folder)
}

#[test]
fn a_broken_promise_keeps_its_log_and_names_it_instead_of_a_seed() {
    // It says that something is durable, and has written nothing.
    let (report, folder) = prove("read line; echo 'sent 1 .'; echo 'told 0 1 1 .'; exec sleep 60", 50);
    assert_eq!((report.failures.len(), &report.hindered), (1, &None), "{report}");
    let failure = &report.failures[0];
    let kept = failure.folder.as_ref().unwrap();
    assert!(kept.starts_with(folder.path()) && kept.join("log").is_dir() && kept.join("as-killed").is_dir());
    assert_eq!(failure.seed, None);
    let told = failure.to_string();
    let expected = format!("kill round (not repeatable by seed; the log is in {}): ", kept.display());
    assert!(told.starts_with(&expected), "{told}");
}

#[test]
fn a_process_that_cannot_do_its_work_is_no_broken_promise() {
    let (report, folder) = prove("echo 'no room' >&2; exit 3", 50);
    assert!(report.failures.is_empty(), "{report}");
    let hindered = report.hindered.as_deref().unwrap();
    assert!(hindered.contains("it ended by itself"), "{hindered}");
    assert!(!report.is_proven());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "there is nothing to look at");
}

#[test]
fn whoever_stops_it_finds_no_folder_left() {
    let folder = tempfile::tempdir().unwrap();
    let command: ChildCommand = Arc::new(|| Command::new("cat"));
    let stop = AtomicBool::new(false);
    let mut report = Report::default();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    rounds(50, 1, folder.path(), &command, &stop, &mut report, |_| {});
    assert_eq!((report.kill_rounds, report.hindered), (0, None));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
