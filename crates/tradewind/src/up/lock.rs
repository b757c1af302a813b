//! One `up` a data folder.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::net::SocketAddr;
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
            return Err(already_up(folder, holder.lines().next().unwrap_or_default().trim()));
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(what),
    }
    let lock = Lock { file };
    lock.note("", &BTreeMap::new());
    Ok(lock)
}

impl Lock {
    /// Says to whoever comes second who is here, and where: on the first line the gateway, then each service and, if it
    /// has several, each instance. Nothing
    /// depends on it but what others can tell and find, so it may fail.
    pub(crate) fn note(&self, url: &str, services: &BTreeMap<String, SocketAddr>) {
        let mut file = &self.file;
        let written = file.set_len(0).and_then(|()| file.rewind());
        let services: String = services.iter().map(|(name, address)| format!("\n{name} {address}")).collect();
        let _ = written.and_then(|()| write!(file, "{} {url}{services}", std::process::id()));
    }
}

/// Where a service is that an `up` runs on this folder.
pub(crate) fn address_of(folder: &Path, service: &str) -> Option<SocketAddr> {
    let mut file = File::open(folder.join("up.lock")).ok()?;
    // Who could lock it would be the only one here.
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let mut lines = text.lines().skip(1).filter_map(|line| line.split_once(' '));
    lines.find(|(name, _)| *name == service).and_then(|(_, address)| address.parse().ok())
}

fn already_up(folder: &Path, holder: &str) -> anyhow::Error {
    let (pid, url) = holder.split_once(' ').unwrap_or((holder, ""));
    let at = if url.is_empty() { String::new() } else { format!(" at {url}") };
    let message = format!("another `tradewind up` (process {pid}) runs on {}{at}", folder.display());
    let help =
        format!("use that one; or stop it with `kill {pid}`; or run a second system with --data DIR --port PORT");
    Failure::coded(ErrorCode::ALREADY_UP, message, help)
}
