//! How a round ends that does not end well, and what is kept of it.

use std::fs;
use std::io;
use std::path::Path;

use tradewind_log::OpenError;

use crate::store::session::{Unread, Unwritten};

/// Why a round did not end well.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// A promise was not kept.
    Broken(String),
    /// The machine did not let it be seen: a full disk, a folder that may not be written to, no more processes.
    Hindered(String),
}

impl Ended {
    pub(super) fn hindered(doing: &str, error: &io::Error) -> Self {
        Self::Hindered(format!("{doing}: {error}"))
    }

    pub(super) fn opening(error: &OpenError) -> Self {
        let told = format!("opening after a kill: {error}");
        if matches!(error, OpenError::Io { .. }) { Self::Hindered(told) } else { Self::Broken(told) }
    }

    pub(super) fn reading(error: &Unread) -> Self {
        if matches!(error, Unread::Io(_)) { Self::Hindered(error.to_string()) } else { Self::Broken(error.to_string()) }
    }

    pub(super) fn writing(index: u64, why: &Unwritten) -> Self {
        let told = format!("write {index} again: {why:?}");
        // A real disk that is full or gives errors says so in these two; nobody makes it fail here.
        let by_disk = matches!(why, Unwritten::Full | Unwritten::Unknown(_));
        if by_disk { Self::Hindered(told) } else { Self::Broken(told) }
    }
}

impl From<String> for Ended {
    fn from(problem: String) -> Self {
        Self::Broken(problem)
    }
}

/// Copies a folder of files anew. Opening a log mends it, after which nobody can see any more what a kill had left.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::remove_dir_all(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir(to)?,
    }
    for file in fs::read_dir(from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}
