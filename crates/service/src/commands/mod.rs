//! Handling commands: load, decide, append, and again if another writer came first.

mod cache;
mod error;
mod handle;
mod load;
pub(crate) mod metrics;
mod record;
mod repeated;
mod together;

use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore};
use tradewind_events::{Clock, EventStore, Position, Revision};

use crate::{AsOf, Entity, Upcasters, stream_of};

use cache::EntityCache;
pub use error::{CommandError, LoadError};
pub(crate) use load::Loader;
pub(crate) use metrics::CommandMetrics;
pub use together::{Refused, Together, TogetherError};

/// How commands are handled.
#[derive(Debug, Clone)]
pub struct CommandOptions {
    /// How often a command is decided anew after a conflict before it is given up.
    pub retries_max: u32,
    /// After every how many events of an entity a snapshot is taken; 0 takes none.
    pub snapshot_every_events: u64,
    /// How many entities are kept in memory; 0 keeps none.
    pub cached_entities_max: usize,
}

impl Default for CommandOptions {
    fn default() -> Self {
        Self { retries_max: 24, snapshot_every_events: 100, cached_entities_max: 16_384 }
    }
}

/// What a command answers: that it has taken effect, and where. Nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// The position of its last event: a reader that has come this far sees the command's effect. For a command that
    /// changed nothing, that of the entity's last event; if it came with a key, that is the note that it was handled.
    pub position: Position,
    /// The entity's last revision; none if nothing has ever happened to it.
    pub revision: Option<Revision>,
    /// Whether it had been handled before, so that nothing was written now.
    pub duplicate: bool,
}

/// What handles commands. Clones share everything.
#[derive(Clone)]
pub struct Commands {
    inner: Arc<Inner>,
}

struct Inner {
    loader: Loader,
    options: CommandOptions,
    cache: EntityCache,
    metrics: CommandMetrics,
    /// Writers that have met a conflict queue here, by stream, so that they do not trip over each other again.
    contended: [Mutex<()>; 64],
    snapshots_in_flight: Arc<Semaphore>,
}

impl Commands {
    /// Commands on entities of `store`.
    pub fn new(
        store: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
        upcasters: Upcasters,
        options: CommandOptions,
    ) -> Self {
        Self::with_metrics(Loader { store, upcasters, clock }, options, CommandMetrics::default())
    }

    pub(crate) fn with_metrics(loader: Loader, options: CommandOptions, metrics: CommandMetrics) -> Self {
        let cache = EntityCache::new(options.cached_entities_max);
        let contended = std::array::from_fn(|_| Mutex::new(()));
        let snapshots_in_flight = Arc::new(Semaphore::new(4));
        Self { inner: Arc::new(Inner { loader, options, cache, metrics, contended, snapshots_in_flight }) }
    }

    /// The same entities, for reading only.
    #[must_use]
    pub fn entities(&self) -> Entities {
        Entities { loader: self.inner.loader.clone() }
    }
}

/// Reads entities and can do nothing else. Clones share the store.
#[derive(Clone)]
pub struct Entities {
    loader: Loader,
}

/// An entity as it is or was.
#[derive(Debug, Clone)]
pub struct EntityAt<E> {
    /// Its state; the default if nothing had happened to it.
    pub state: E,
    /// Its last event; none if nothing had happened to it.
    pub revision: Option<Revision>,
    /// That event's position.
    pub position: Position,
}

impl Entities {
    /// Entities of `store`; what is in the future, `clock` says.
    pub fn new(store: Arc<dyn EventStore>, clock: Arc<dyn Clock>, upcasters: Upcasters) -> Self {
        Self { loader: Loader { store, upcasters, clock } }
    }

    /// The entity as it is now.
    ///
    /// # Errors
    /// [`LoadError`] if the store cannot be read or one of the entity's events cannot.
    pub async fn load<E: Entity>(&self, id: &str) -> Result<EntityAt<E>, LoadError> {
        Ok(self.loader.load::<E>(&stream_of::<E>(id)?).await?.into())
    }

    /// The entity as it was.
    ///
    /// # Errors
    /// [`LoadError`] if the moment has not come, the store cannot be read or one of the entity's events cannot.
    pub async fn load_as_of<E: Entity>(&self, id: &str, as_of: AsOf) -> Result<EntityAt<E>, LoadError> {
        Ok(self.loader.load_as_of::<E>(&stream_of::<E>(id)?, as_of).await?.into())
    }
}

impl<E> From<load::Loaded<E>> for EntityAt<E> {
    fn from(loaded: load::Loaded<E>) -> Self {
        Self { state: loaded.state, revision: loaded.revision, position: loaded.position }
    }
}
