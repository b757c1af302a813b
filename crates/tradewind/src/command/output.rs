//! What a command prints.

use std::io::{self, Write};

use anyhow::Context;

/// Prints a text and ends its line. That nobody reads it any more, as behind `| head`, is no failure.
///
/// # Errors
/// If standard output cannot be written to for another reason, such as a full disk.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}
