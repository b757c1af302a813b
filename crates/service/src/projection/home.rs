//! Where a projection's generations are: files in a folder of its own, or tables in a database that the instances of its
//! service share.

use super::folder::{Folder, GenerationName};
use super::open::{Opened, ProjectionStartError, create_database, open_database};
use super::{Generation, Projection};
use crate::shared::SharedHome;

/// A projection's generations.
#[derive(Clone)]
pub(crate) enum Home {
    Folder(Folder),
    /// Only while this instance holds the projection's lease.
    Shared(SharedHome),
}

impl Home {
    /// A new generation of the projection's present version.
    pub(crate) async fn create(&self, projection: &dyn Projection) -> Result<Opened, ProjectionStartError> {
        match self {
            Self::Folder(folder) => create_database(folder, projection),
            Self::Shared(home) => home.create(projection).await,
        }
    }

    /// One that is there.
    pub(crate) async fn open(
        &self,
        name: GenerationName,
        projection: &dyn Projection,
    ) -> Result<Opened, ProjectionStartError> {
        match self {
            Self::Folder(folder) => open_database(folder, name, projection),
            Self::Shared(home) => home.open(name, projection).await,
        }
    }

    /// One of this version that was being built when its builder went down.
    pub(crate) async fn unfinished(&self, projection: &dyn Projection) -> Option<GenerationName> {
        match self {
            Self::Folder(folder) => folder.unfinished(projection.version()).ok().flatten(),
            Self::Shared(home) => home.unfinished(projection).await,
        }
    }

    /// Says which one answers from now on.
    ///
    /// # Errors
    /// Why it cannot be said.
    pub(crate) async fn set_current(&self, name: GenerationName) -> Result<(), String> {
        match self {
            Self::Folder(folder) => folder.set_current(name).map_err(|error| error.to_string()),
            Self::Shared(home) => home.set_current(name).await,
        }
    }

    /// A generation that nobody needs any more. What others still read of it stays until they have done.
    pub(crate) async fn give_up(&self, generation: &Generation) {
        generation.set_replaced();
        if let (Self::Shared(home), Some(name)) = (self, generation.name()) {
            home.give_up(name).await;
        }
    }
}
