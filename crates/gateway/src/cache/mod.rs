//! A shared HTTP cache: RFC 9111, with RFC 5861, 9211, and purging by what has happened.
//!
//! Read in this order: [`CacheOptions`] are its limits and [`CachePolicy`] is what a route wants of it; a [`Key`] is what
//! an answer is found by; [`Cache::serve`] answers a request, with what is stored or by a [`Fetch`], and [`Cache::purge`]
//! takes out what an event has made untrue. [`Cache::hit`] is the short way for what is fresh. `serve` decides: `asked` is
//! the request, `finding` looks for what of the store it may have, `sharing` says who waits for whom, `fetching` asks the
//! service and keeps what it says, `renewing` does so behind a stale answer, `changing` takes out what a request makes
//! untrue, and `reuse` makes an answer of what is stored. What may be stored is in `storable`, how long in `freshness`,
//! for whom in `selecting`, and which headers are nobody's to choose by in `unkeyed`. `store` is bounded by bytes, `room`
//! bounds what is on its way there, `flight` lets one fetch serve many, and `body` stores what passes through. An answer
//! has several forms, as it came and packed by a [`ContentCoding`], which are made by `packing` and chosen in `coding`.
//!
//! It knows nothing of routes, upstreams or connections, and asks its clock for the time.

mod answered;
mod asked;
mod body;
mod changing;
pub(crate) mod coding;
mod directives;
mod entry;
mod fetch;
mod fetching;
mod finding;
mod flight;
mod freshness;
mod hit;
mod key;
mod list;
mod metrics;
mod options;
mod packing;
mod purge;
mod range;
mod renewing;
mod reuse;
mod room;
mod selecting;
mod serve;
mod sharing;
mod status;
mod storable;
mod store;
mod tags;
mod unkeyed;
mod validators;

use std::fmt;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tradewind_events::Clock;

pub use answered::{Reused, Unanswered};
pub use asked::Asked;
pub use body::CacheBody;
pub use coding::ContentCoding;
pub(crate) use directives::{Directives, delta_seconds};
#[cfg(test)]
pub(crate) use entry::position_of;
pub use fetch::{BodyError, Fetch, FetchError, FetchedBody, Fetching};
pub use hit::Lookup;
pub use key::{Key, KeyRef};
pub(crate) use list::members;
pub use options::{CacheOptions, CachePolicy, OnFailure};
pub use purge::{Purge, PurgeEffect};
pub use tags::{TagTemplate, TagTemplateError};
pub(crate) use unkeyed::is_of_the_gateway;
pub(crate) use validators::is_known_to;

use flight::Flights;
use metrics::Metrics;
use packing::Packings;
use room::Room;
use store::Store;

/// The cache of a gateway. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

pub(crate) struct Inner {
    options: CacheOptions,
    /// What counts of the option of this name.
    body_bytes_max: usize,
    clock: Arc<dyn Clock>,
    store: Store,
    flights: Arc<Flights>,
    packings: Packings,
    metrics: Metrics,
    room: Room,
    background: Arc<Semaphore>,
}

/// An answer's body takes at most this part of the store, so that one cannot push out all others.
const BODY_DIVISOR: u64 = 8;

/// What has come of answers on their way into the store takes at most this part of it, beside what it holds.
const ROOM_DIVISOR: u64 = 4;

impl Cache {
    /// An empty cache.
    #[must_use]
    pub fn new(mut options: CacheOptions, clock: Arc<dyn Clock>) -> Self {
        let most = usize::try_from(options.bytes_max / BODY_DIVISOR).unwrap_or(usize::MAX);
        options.body_bytes_max = options.body_bytes_max.min(most);
        let metrics = Metrics::new();
        Self(Arc::new(Inner {
            body_bytes_max: options.body_bytes_max,
            clock,
            store: Store::new(&options),
            flights: Flights::new(&options),
            packings: Packings::new(options.packings_max),
            room: Room::new(options.bytes_max / ROOM_DIVISOR, metrics.passing_bytes.clone()),
            metrics,
            background: Arc::new(Semaphore::new(options.background_max)),
            options,
        }))
    }

    /// Adds what the cache counts to a registry, under the prefix `cache`.
    pub fn register(&self, registry: &mut Registry) {
        self.0.metrics.register(registry);
    }

    /// Takes out, or makes stale, all answers that carry one of the tags, but those of the same service that show the
    /// position. An answer that is on its way and older than that is not stored. The number of answers that were stored
    /// and are concerned.
    pub fn purge(&self, purge: &Purge) -> usize {
        let purged = self.0.store.purge(purge, self.0.clock.now());
        self.0.metrics.purged.inc_by(purged as u64);
        self.0.tell_size();
        purged
    }

    /// Takes out everything, also what is on its way, and forgets all positions: for when services begin anew.
    pub fn clear(&self) {
        self.0.store.clear();
        self.0.tell_size();
    }

    /// How it was set up.
    #[must_use]
    pub fn options(&self) -> &CacheOptions {
        &self.0.options
    }

    /// Bytes that stored answers take.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.store.size().1
    }

    /// Targets of which answers are stored.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.0.store.size().0
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("targets", &self.targets()).field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

impl Inner {
    fn tell_size(&self) {
        let (entries, bytes) = self.store.size();
        self.metrics.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.metrics.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// A place for something that no client waits for; nothing if too many are taken, or if there is no runtime.
    fn place_in_background(self: &Arc<Self>) -> Option<Background> {
        let runtime = Handle::try_current().ok()?;
        let permit = Arc::clone(&self.background).try_acquire_owned().ok()?;
        Some(Background { cache: Arc::clone(self), runtime, permit })
    }
}

/// A place in the background. Work is made only when there is one, since dropping it may be work again.
struct Background {
    cache: Arc<Inner>,
    runtime: Handle,
    permit: OwnedSemaphorePermit,
}

impl Background {
    /// Does it, for a bounded time.
    fn run(self, work: impl Future<Output = ()> + Send + 'static) {
        let Self { cache, runtime, permit } = self;
        runtime.spawn(async move {
            cache.metrics.background.inc();
            let _ = tokio::time::timeout(cache.options.background_time_max, work).await;
            cache.metrics.background.dec();
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests;
