//! Where a benchmark writes: on a real disk, and gone afterwards.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::machine::file_system;
use crate::BenchError;

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub struct Folder(tempfile::TempDir);

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
        Ok(Self(tempfile::Builder::new().prefix(".tradewind-bench-").tempdir_in(place)?))
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
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
