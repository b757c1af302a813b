//! What the gateway has stored is purged by what services tell.
//!
//! Each service whose answers are stored under tags is followed from now on, by its feed. An event of the stream
//! `product-7` that is tagged `customer:9` purges what carries `product:7`, `product`, `customer:9` or `customer`, but for
//! answers of the same service that show it. What is purged is stale from then on: it is asked for anew, and may stand in
//! for an answer if the service fails, as far as the route allows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;
use tradewind_events::{ErrorCode, EventSource, Position, Query, ReadError, Recorded};
use tradewind_fleet::ServiceName;
use tradewind_gateway::GatewayHandle;
use tradewind_gateway::cache::{CacheOptions, Purge, PurgeEffect};
use tradewind_store::{ClientOptions, FeedSource};

use crate::manifest::{Followed, tag_of_all};

/// How soon a service that cannot be reached is tried again: it may be starting.
const SOON: Duration = Duration::from_secs(1);
/// How soon one is tried again that refuses to be followed.
const LATER: Duration = Duration::from_secs(30);
/// So many tries in vain are no matter of starting any more.
const TRIES_UNTOLD: u32 = 20;

/// Follows services for the gateway's cache.
pub(super) struct Purging {
    addresses: BTreeMap<ServiceName, SocketAddr>,
    gateway: GatewayHandle,
    kinds: Option<BTreeSet<String>>,
    cache: CacheOptions,
    under_way: BTreeMap<ServiceName, AbortOnDropHandle<()>>,
}

impl Purging {
    /// Follows nobody yet, of the services at these addresses.
    pub(super) fn new(addresses: BTreeMap<ServiceName, SocketAddr>, gateway: GatewayHandle) -> Self {
        Self { addresses, gateway, kinds: None, cache: CacheOptions::default(), under_way: BTreeMap::new() }
    }

    /// Follows these from now on, and no others. One that is followed already goes on, unless other tags count, or another
    /// cache has taken the place of the one that its purges went to: that has to be told anew how far it has come.
    pub(super) fn follow(&mut self, followed: &Followed) {
        if self.kinds != followed.kinds || self.cache != followed.cache {
            self.under_way.clear();
            self.kinds.clone_from(&followed.kinds);
            self.cache.clone_from(&followed.cache);
        }
        self.under_way.retain(|service, _| followed.services.contains(service.as_str()));
        for (service, address) in &self.addresses {
            if !followed.services.contains(service.as_str()) || self.under_way.contains_key(service) {
                continue;
            }
            let Ok(feed) = FeedSource::new(&format!("http://{address}/feed"), ClientOptions::default()) else {
                continue;
            };
            let follower = Follower {
                service: service.as_str().into(),
                feed,
                gateway: self.gateway.clone(),
                kinds: self.kinds.clone(),
            };
            self.under_way.insert(service.clone(), AbortOnDropHandle::new(tokio::spawn(follower.run())));
        }
    }
}

struct Follower {
    service: Arc<str>,
    feed: FeedSource,
    gateway: GatewayHandle,
    kinds: Option<BTreeSet<String>>,
}

impl Follower {
    async fn run(self) {
        let mut tries = 0;
        loop {
            let Err(error) = self.follow(&mut tries).await;
            tries += 1;
            let is_refused = !matches!(error, ReadError::Unavailable(_) | ReadError::Timeout);
            let pause = if is_refused { LATER } else { SOON };
            if is_refused || tries == TRIES_UNTOLD {
                tracing::warn!(
                    service = %self.service,
                    code = %ErrorCode::PURGES_CUT_OFF,
                    again_in_s = pause.as_secs(),
                    "the service's events cannot be followed, so its stored answers are purged by none: {error}"
                );
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Follows from where the service is now. A connection that breaks is made again, and goes on where it was.
    async fn follow(&self, tries: &mut u32) -> Result<std::convert::Infallible, ReadError> {
        let head = self.feed.head().await?;
        let mut deliveries = self.feed.subscribe(head, Query::all()).await?;
        // Nobody has said what happened before.
        self.purge(vec![tag_of_all(&self.service)], head);
        loop {
            let next = std::future::poll_fn(|context| deliveries.as_mut().poll_next(context)).await;
            let delivery = next.unwrap_or_else(|| Err(ReadError::Unavailable("the feed has ended".to_owned())))?;
            *tries = 0;
            for event in &delivery.events {
                let tags = tags_of(event, self.kinds.as_ref());
                if !tags.is_empty() {
                    self.purge(tags, event.position());
                }
            }
        }
    }

    fn purge(&self, tags: Vec<String>, position: Position) {
        let source = Arc::clone(&self.service);
        let purge = Purge { source, tags, position: Some(position), effect: PurgeEffect::Outdate };
        let purged = self.gateway.purge(&purge);
        tracing::debug!(service = %self.service, %position, tags = ?purge.tags, purged, "purged");
    }
}

/// The tags of the answers that show what an event is about: its entity, all entities of that kind, and what the event
/// is tagged with; of those kinds that any answer carries.
fn tags_of(event: &Recorded, kinds: Option<&BTreeSet<String>>) -> Vec<String> {
    let entity = format!("{}:{}", event.category(), event.entity_id());
    let named = event.tags().map(str::to_owned).chain([entity]);
    let counts = |tag: &String| {
        let kind = tag.split(':').next().unwrap_or_default();
        kinds.is_none_or(|kinds| kinds.contains(kind))
    };
    let with_kind = |tag: String| {
        let kind = tag.split(':').next().filter(|kind| kind.len() < tag.len()).map(str::to_owned);
        [Some(tag), kind]
    };
    let tags: BTreeSet<String> = named.filter(counts).flat_map(with_kind).flatten().collect();
    tags.into_iter().collect()
}

#[cfg(test)]
mod tests;
