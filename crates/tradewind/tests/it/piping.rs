//! Behind a pipe whose reader has gone, as `| head` goes.

use std::process::{Output, Stdio};

use crate::service::described;
use crate::{folder, stderr_of, tradewind};

/// Runs a command on whose output nobody is from the beginning.
fn unheard(folder: &std::path::Path, arguments: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = tradewind();
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(writer);
    command.output().unwrap()
}

#[test]
fn a_command_whose_output_nobody_reads_succeeds_without_a_word() {
    let folder = folder(&described("one", "ok", ""));
    let append = ["store", "append", "data", "--stream", "note-1", "--type", "NoteTaken", "--data", "{}"];
    for arguments in [
        &append[..],
        &["check"],
        &["store", "stat", "data"],
        &["store", "stat", "data", "--json"],
        &["store", "verify", "data"],
        &["store", "read", "data"],
        &["store", "reclaim", "data"],
        &["store", "truncate", "data", "note-1", "--before", "0"],
        &["prove", "store", "--rounds", "1", "--kills", "0"],
        &["completions", "bash"],
    ] {
        let output = unheard(folder.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr_of(&output));
        assert_eq!(stderr_of(&output), "", "{arguments:?}");
    }
}
