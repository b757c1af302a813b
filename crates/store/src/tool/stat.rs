//! What is in a store.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use tradewind_events::{EventSource, Position, Query, ReadError, Timestamp};
use xxhash_rust::xxh3::xxh3_128;

/// How many events are asked for at once.
const PAGE_EVENTS: usize = 4_096;

/// What is in a store.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StoreStat {
    /// The last position.
    pub head: Position,
    /// How many events can be read; fewer than `head` if streams were truncated.
    pub events: u64,
    /// How many streams they belong to.
    pub streams: u64,
    /// How many bytes their data has.
    pub data_bytes: u64,
    /// When the first was recorded.
    pub first_recorded: Option<Timestamp>,
    /// When the last was recorded.
    pub last_recorded: Option<Timestamp>,
    /// By category.
    pub categories: BTreeMap<String, CategoryStat>,
}

/// What is in a category.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CategoryStat {
    /// How many events.
    pub events: u64,
    /// How many streams.
    pub streams: u64,
    /// How many bytes of data.
    pub data_bytes: u64,
    /// How many events of each type.
    pub types: BTreeMap<String, u64>,
}

/// Reads a whole store and counts. `progress` is told the position reached and the head.
///
/// # Errors
/// [`ReadError`] if it cannot be read.
pub async fn stat(
    source: &dyn EventSource,
    progress: &mut (dyn FnMut(Position, Position) + Send),
) -> Result<StoreStat, ReadError> {
    let mut stat = StoreStat { head: source.head().await?, ..StoreStat::default() };
    // Hashes in place of names: a store may have millions of streams.
    let mut streams = HashSet::new();
    let (mut after, query) = (Position::START, Query::all());
    while after < stat.head {
        let page = source.read(after, &query, PAGE_EVENTS).await?;
        for event in page.events.iter().take_while(|event| event.position() <= stat.head) {
            let bytes = event.data().len() as u64;
            let is_new = streams.insert(xxh3_128(event.stream().as_bytes()));
            stat.events += 1;
            stat.streams += u64::from(is_new);
            stat.data_bytes += bytes;
            stat.first_recorded.get_or_insert(event.recorded_at());
            stat.last_recorded = Some(event.recorded_at());
            let category = stat.categories.entry(event.category().to_owned()).or_default();
            category.events += 1;
            category.streams += u64::from(is_new);
            category.data_bytes += bytes;
            *category.types.entry(event.event_type().to_owned()).or_default() += 1;
        }
        if page.through <= after {
            break;
        }
        after = page.through;
        progress(after, stat.head);
    }
    Ok(stat)
}
