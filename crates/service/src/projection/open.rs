//! Finding, or making, the database that answers when a service starts.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Projection;
use super::database::{self, open_writer};
use super::folder::{Folder, GenerationName};
use super::generation::{Generation, remove_database};
use super::past::PastOptions;
use super::pen::Writer;
use crate::shared::SharedDatabase;
use crate::{ParkingOptions, sql};

/// How a projection is run.
#[derive(Debug, Clone)]
pub struct ProjectionOptions {
    /// The folder in which it has a folder of its own.
    pub folder: PathBuf,
    /// How long a query waits for the position that it asks for.
    pub wait_max: Duration,
    /// Bounds on what is made of the past.
    pub past: PastOptions,
    /// How much may be set aside that it cannot apply.
    pub parking: ParkingOptions,
    /// The database that the instances of the service share, if they do.
    pub shared: Option<SharedDatabase>,
}

impl ProjectionOptions {
    /// Projections under `folder`, with the usual bounds.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            wait_max: Duration::from_secs(5),
            past: PastOptions::default(),
            parking: ParkingOptions::default(),
            shared: None,
        }
    }
}

/// Why a projection cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionStartError {
    /// Its name is no name for a folder.
    #[error("projection name {0:?} is not of lower-case letters, digits and dashes")]
    Name(&'static str),
    /// Its folder cannot be used.
    #[error("the folder of projection {name}: {error}")]
    Folder {
        /// The projection.
        name: &'static str,
        /// What is wrong.
        error: io::Error,
    },
    /// Its schema is refused, or its database cannot be opened.
    #[error("the database of projection {name}: {error}")]
    Database {
        /// The projection.
        name: &'static str,
        /// What the database says.
        error: sql::Error,
    },
}

/// A database that is open for reading and writing.
pub(crate) struct Opened {
    pub(crate) name: GenerationName,
    pub(crate) generation: Arc<Generation>,
    pub(crate) writer: Writer,
}

pub(crate) fn check_name(name: &'static str) -> Result<(), ProjectionStartError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = !name.is_empty() && name.len() <= 100 && name.chars().all(fits);
    if good { Ok(()) } else { Err(ProjectionStartError::Name(name)) }
}

/// The database that answered last time, be it of an older version, or else a new one.
pub(crate) fn open_current(folder: &Folder, projection: &dyn Projection) -> Result<Opened, ProjectionStartError> {
    if let Some(name) = folder.current() {
        match open_database(folder, name, projection) {
            Ok(opened) => return Ok(opened),
            Err(error) => {
                tracing::warn!(projection = projection.name(), %error, "a read database is damaged; making it anew");
                remove_database(&folder.path(name));
            }
        }
    }
    let opened = create_database(folder, projection)?;
    let set = folder.set_current(opened.name);
    set.map_err(|error| ProjectionStartError::Folder { name: projection.name(), error })?;
    Ok(opened)
}

/// A new database of the projection's present version.
pub(crate) fn create_database(folder: &Folder, projection: &dyn Projection) -> Result<Opened, ProjectionStartError> {
    let fresh = folder.fresh(projection.version());
    let name = fresh.map_err(|error| ProjectionStartError::Folder { name: projection.name(), error })?;
    open_database(folder, name, projection)
}

pub(crate) fn open_database(
    folder: &Folder,
    name: GenerationName,
    projection: &dyn Projection,
) -> Result<Opened, ProjectionStartError> {
    let path = folder.path(name);
    let database::Writer { connection, position, of_today } = open_writer(&path, projection.schema())
        .map_err(|error| ProjectionStartError::Database { name: projection.name(), error: error.into() })?;
    let generation = Arc::new(Generation::new(path, position, of_today));
    Ok(Opened { name, generation, writer: Writer::Sqlite(connection) })
}
