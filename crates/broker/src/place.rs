//! A position kept in a small file: how far a relay has published, or a follower of a feed has come.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tradewind_events::Position;

/// The format, so that a later one can tell.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Kept {
    format: u32,
    position: Position,
}

/// Where it is kept how far a relay has published.
pub trait RelayPlace: Send + Sync + 'static {
    /// The position; none if it has published nothing yet.
    fn load(&self) -> BoxFuture<'_, io::Result<Option<Position>>>;

    /// Keeps it. What is lost of it is published again.
    fn save(&self, position: Position) -> BoxFuture<'_, io::Result<()>>;
}

impl RelayPlace for Place {
    fn load(&self) -> BoxFuture<'_, io::Result<Option<Position>>> {
        Box::pin(std::future::ready(Self::load(self)))
    }

    fn save(&self, position: Position) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(std::future::ready(Self::save(self, position)))
    }
}

/// The file. It is replaced as a whole, and not synced: after a power failure it may be older than it was, which
/// repeats something and loses nothing.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    path: PathBuf,
}

impl Place {
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The position; none if there is no file yet.
    pub(crate) fn load(&self) -> io::Result<Option<Position>> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match serde_json::from_slice::<Kept>(&text) {
            Ok(kept) if kept.format == FORMAT => Ok(Some(kept.position)),
            Ok(kept) => Err(self.damaged(&format!("format {} is not known here", kept.format))),
            Err(error) => Err(self.damaged(&error.to_string())),
        }
    }

    fn damaged(&self, problem: &str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {problem}", self.path.display()))
    }

    pub(crate) fn save(&self, position: Position) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let fresh = self.path.with_extension("new");
        let mut file = fs::File::create(&fresh)?;
        serde_json::to_writer(&mut file, &Kept { format: FORMAT, position })?;
        file.write_all(b"\n")?;
        drop(file);
        fs::rename(fresh, &self.path)
    }
}
