//! The reaction: it counts, so that nothing is measured but what it costs to follow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tradewind_events::{Query, Recorded};
use tradewind_service::{Issuer, Reaction, ReactionError};

/// The category of all streams.
pub(super) const CATEGORY: &str = "parcel";
/// The type of all events.
pub(super) const EVENT_TYPE: &str = "ParcelScanned";

/// How many events were met.
#[derive(Debug, Clone, Default)]
pub(super) struct Met(Arc<AtomicU64>);

impl Met {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// Counts the events of all keys but one, whose first it cannot handle.
#[derive(Debug)]
pub(super) struct Counting {
    poison: Option<String>,
    met: Met,
}

impl Counting {
    pub(super) fn with_poison(key: Option<u64>) -> (Self, Met) {
        let met = Met::default();
        (Self { poison: key.map(|key| key.to_string()), met: met.clone() }, met)
    }
}

impl Reaction for Counting {
    fn name(&self) -> &'static str {
        "count-scans"
    }

    fn query(&self) -> Query {
        Query::category(CATEGORY)
    }

    fn react<'a>(
        &'a self,
        event: &'a Recorded,
        _issuer: &'a Issuer,
    ) -> futures_core::future::BoxFuture<'a, Result<(), ReactionError>> {
        Box::pin(async move {
            if self.poison.as_deref() == Some(event.entity_id()) {
                return Err(ReactionError::Poison("it cannot be handled, as the benchmark wants".to_owned()));
            }
            self.met.0.fetch_add(1, Ordering::AcqRel);
            Ok(())
        })
    }
}
