//! One `up` a data folder.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use anyhow::Context;
use tradewind_events::ErrorCode;

use crate::failure::Failure;

/// Holds the folder until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

/// Makes the folder and takes it.
///
/// # Errors
/// TW-4005 if another `up` has it.
pub(crate) fn take(folder: &Path) -> anyhow::Result<Lock> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the data folder {}", folder.display()))?;
    let path = folder.join("up.lock");
    let what = || format!("cannot lock {}", path.display());
    // Not truncated on opening: until it is ours, the text in it is the other's.
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = file.with_context(what)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Without its text the error is still true.
            let _ = file.read_to_string(&mut holder);
            return Err(already_up(folder, holder.trim()));
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(what),
    }
    let lock = Lock { file };
    lock.note("");
    Ok(lock)
}

impl Lock {
    /// Says to whoever comes second who is here, and where. Only for the error's text, so it may fail.
    pub(crate) fn note(&self, url: &str) {
        let mut file = &self.file;
        let written = file.set_len(0).and_then(|()| file.rewind());
        let _ = written.and_then(|()| write!(file, "{} {url}", std::process::id()));
    }
}

fn already_up(folder: &Path, holder: &str) -> anyhow::Error {
    let (pid, url) = holder.split_once(' ').unwrap_or((holder, ""));
    let at = if url.is_empty() { String::new() } else { format!(" at {url}") };
    let message = format!("another `tradewind up` (process {pid}) runs on {}{at}", folder.display());
    let help =
        format!("use that one; or stop it with `kill {pid}`; or run a second system with --data DIR --port PORT");
    Failure::coded(ErrorCode::ALREADY_UP, message, help)
}
