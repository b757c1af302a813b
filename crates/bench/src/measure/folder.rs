//! Where a benchmark writes: on a real disk, and gone afterwards, also if it is interrupted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::machine::file_system;
use crate::BenchError;

/// With what the names of folders begin that are removed again.
const PREFIX: &str = ".tradewind-bench-";
/// What a shell expects of a program that SIGINT has ended.
const INTERRUPTED: i32 = 130;

/// A folder that is removed when it is dropped, and when SIGINT or SIGTERM ends the process: a benchmark writes
/// gigabytes, which nobody would look for under a hidden name.
#[derive(Debug)]
pub struct Folder {
    folder: tempfile::TempDir,
    dropped: CancellationToken,
    watch: Option<JoinHandle<()>>,
}

impl Folder {
    /// A new folder within another, by default the current one: never where the system keeps its temporary files,
    /// which is often memory.
    ///
    /// # Errors
    /// [`BenchError::Memory`] if that is not on a disk, or as the operating system says.
    pub fn within(place: Option<&Path>) -> Result<Self, BenchError> {
        let place = place.map_or_else(|| PathBuf::from("."), Path::to_owned);
        fs::create_dir_all(&place)?;
        let place = place.canonicalize()?;
        let kind = file_system(&place);
        if matches!(kind.as_str(), "tmpfs" | "ramfs") {
            return Err(BenchError::Memory { place: place.display().to_string(), kind });
        }
        Self::new_in(&place)
    }

    /// A new folder in memory if the system has a place for that, else where it keeps its temporary files: for what
    /// need not be durable, and should not wait for a disk.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn in_memory() -> Result<Self, BenchError> {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::new_in(memory) } else { Self::new_in(&std::env::temp_dir()) }
    }

    fn new_in(place: &Path) -> Result<Self, BenchError> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place)?;
        let dropped = CancellationToken::new();
        let watch = watch_signals(folder.path().to_owned(), dropped.clone())?;
        Ok(Self { folder, dropped, watch: Some(watch) })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A folder in it, made if it is not there.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn sub(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path().join(name);
        fs::create_dir_all(&path)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.dropped.cancel();
        // If it is just being removed because of a signal, what failed for want of it must not be told: the watch ends
        // the process, and does so in bounded time.
        if let Some(watch) = self.watch.take() {
            let _ = watch.join();
        }
    }
}

/// Removes the folder and ends the process when a signal asks for it, until the folder is dropped.
fn watch_signals(folder: PathBuf, dropped: CancellationToken) -> io::Result<JoinHandle<()>> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    thread::Builder::new().name("bench-folder".to_owned()).spawn(move || {
        let interrupted = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => true,
                _ = terminate.recv() => true,
                () = dropped.cancelled() => false,
            }
        });
        if interrupted {
            remove(&folder);
            std::process::exit(INTERRUPTED);
        }
    })
}

/// Those who are measured go on writing meanwhile, so that once may not be enough.
fn remove(folder: &Path) {
    for _ in 0..50 {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => thread::sleep(Duration::from_millis(20)),
            _ => return,
        }
    }
}
