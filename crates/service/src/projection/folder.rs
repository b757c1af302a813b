//! A projection's folder: its databases, and a file that says which of them answers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tradewind_events::Position;
use uuid::Uuid;

use super::generation::remove_database;

const CURRENT: &str = "current";
const BEGUN: &str = "begun.json";

/// Where a projection began that did not begin with the first event. It outlives its databases, so that one that is made
/// anew begins there too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// Behind this position.
    pub(crate) position: Position,
    /// Whether it has been given all up to there: until then it waits for who seeds it.
    pub(crate) is_complete: bool,
}

/// What tells a generation from others of its projection. In a folder it is a file's name: `v{version}.{generation}.db`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GenerationName {
    pub(crate) generation: u64,
    pub(crate) version: u32,
}

impl GenerationName {
    fn text(self) -> String {
        format!("v{}.{}.db", self.version, self.generation)
    }

    /// The name of the file at `path`.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        Self::parse(path.file_name()?.to_str()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let (version, generation) = text.strip_prefix('v')?.strip_suffix(".db")?.split_once('.')?;
        Some(Self { version: version.parse().ok()?, generation: generation.parse().ok()? })
    }
}

/// The folder of one projection.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self, name: GenerationName) -> PathBuf {
        self.0.join(name.text())
    }

    /// Where databases of the past are made.
    pub(crate) fn past(&self) -> PathBuf {
        self.0.join("past")
    }

    /// The database that answers, if there is one.
    pub(crate) fn current(&self) -> Option<GenerationName> {
        let name = GenerationName::parse(fs::read_to_string(self.0.join(CURRENT)).ok()?.trim())?;
        self.path(name).exists().then_some(name)
    }

    /// Says which database answers from now on, at once and as a whole.
    pub(crate) fn set_current(&self, name: GenerationName) -> io::Result<()> {
        let temporary = self.0.join("current.new");
        fs::write(&temporary, name.text())?;
        fs::rename(temporary, self.0.join(CURRENT))
    }

    /// Where the projection began; none if that was with the first event, or has not been yet.
    pub(crate) fn begun(&self) -> io::Result<Option<Begun>> {
        match fs::read(self.0.join(BEGUN)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps it, on the disk before it is relied on.
    pub(crate) fn set_begun(&self, begun: Begun) -> io::Result<()> {
        let temporary = self.0.join("begun.new");
        let file = fs::File::create(&temporary)?;
        serde_json::to_writer(&file, &begun)?;
        file.sync_all()?;
        fs::rename(temporary, self.0.join(BEGUN))
    }

    /// Forgets it: it was in another store.
    pub(crate) fn forget_begun(&self) -> io::Result<()> {
        match fs::remove_file(self.0.join(BEGUN)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn databases(&self) -> io::Result<Vec<GenerationName>> {
        let names = fs::read_dir(&self.0)?.filter_map(Result::ok);
        Ok(names.filter_map(|entry| GenerationName::parse(&entry.file_name().to_string_lossy())).collect())
    }

    /// A name that was not used before.
    pub(crate) fn fresh(&self, version: u32) -> io::Result<GenerationName> {
        let last = self.databases()?.into_iter().map(|name| name.generation).max();
        Ok(GenerationName { version, generation: last.map_or(1, |last| last + 1) })
    }

    /// A database of this version that was being built when the service went down.
    pub(crate) fn unfinished(&self, version: u32) -> io::Result<Option<GenerationName>> {
        let current = self.current();
        Ok(self.databases()?.into_iter().filter(|name| name.version == version && Some(*name) > current).max())
    }

    /// Removes what neither answers nor is being built, and all pasts.
    pub(crate) fn tidy(&self, keep: &[GenerationName]) -> io::Result<()> {
        for name in self.databases()?.into_iter().filter(|name| !keep.contains(name)) {
            remove_database(&self.path(name));
        }
        remove_tree(&self.past())
    }
}

/// What tells an instance from others for as long as it has this folder, in which all its projections have theirs: eight
/// hexadecimal digits, chosen when they are first asked for.
pub(crate) fn instance_of(projections: &Path) -> io::Result<String> {
    let file = projections.join("instance");
    match fs::read_to_string(&file) {
        Ok(text) => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    fs::create_dir_all(projections)?;
    let mut fresh = Uuid::new_v4().simple().to_string();
    fresh.truncate(8);
    let temporary = projections.join("instance.new");
    fs::write(&temporary, &fresh)?;
    fs::rename(temporary, file)?;
    Ok(fresh)
}

fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
