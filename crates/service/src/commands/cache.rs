//! Entities kept in memory between commands. The expected revision of the append tells when one is stale, so the
//! cache can never make a wrong event; and a refusal from it is checked against the store before it is given.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use tradewind_events::StreamId;

use super::load::Loaded;
use crate::Entity;

const SHARDS: usize = 16;

/// A bounded map of entities; the one that has been in it longest goes first.
pub(crate) struct EntityCache {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    shard_entities_max: usize,
}

#[derive(Default)]
struct Shard {
    entities: HashMap<StreamId, Arc<dyn Any + Send + Sync>>,
    order: VecDeque<StreamId>,
}

impl EntityCache {
    /// A cache of about `entities_max` entities; 0 keeps none.
    pub(crate) fn new(entities_max: usize) -> Self {
        Self {
            shards: Default::default(),
            hasher: RandomState::new(),
            shard_entities_max: entities_max.div_ceil(SHARDS),
        }
    }

    fn shard(&self, stream: &StreamId) -> &Mutex<Shard> {
        &self.shards[self.hasher.hash_one(stream) as usize % SHARDS]
    }

    pub(crate) fn get<E: Entity>(&self, stream: &StreamId) -> Option<Arc<Loaded<E>>> {
        let shard = self.shard(stream).lock().unwrap_or_else(PoisonError::into_inner);
        shard.entities.get(stream)?.clone().downcast().ok()
    }

    pub(crate) fn put<E: Entity>(&self, stream: &StreamId, loaded: Arc<Loaded<E>>) {
        if self.shard_entities_max == 0 {
            return;
        }
        let mut shard = self.shard(stream).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = shard.entities.get_mut(stream) {
            // Of two writers, the one that came later may be answered earlier.
            let newer = kept.downcast_ref::<Loaded<E>>().is_none_or(|kept| kept.revision <= loaded.revision);
            if newer {
                *kept = loaded;
            }
            return;
        }
        shard.entities.insert(stream.clone(), loaded);
        shard.order.push_back(stream.clone());
        while shard.order.len() > self.shard_entities_max {
            if let Some(oldest) = shard.order.pop_front() {
                shard.entities.remove(&oldest);
            }
        }
    }
}
