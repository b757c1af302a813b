//! What is appended in a proof: made by chance, so that it is made again from the same seed.

use tradewind_testkit::disk::Random;

/// One event, before it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: u128,
    /// When it happened.
    pub time: i64,
    /// Its type.
    pub kind: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its metadata.
    pub metadata: Vec<u8>,
    /// Its data.
    pub data: Vec<u8>,
}

/// What a writer believes of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belief {
    /// Nothing.
    Any,
    /// It is empty.
    None,
    /// It is not.
    Exists,
    /// Its last revision.
    Exactly(u64),
}

/// The part of a write that concerns one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The stream.
    pub stream: String,
    /// What the writer believes of it.
    pub belief: Belief,
    /// What is appended to it.
    pub events: Vec<Event>,
}

/// Which events: any item, and of an item everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// The items; none: everything matches.
    pub items: Vec<FilterItem>,
}

/// One item of a [`Filter`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterItem {
    /// One of these, if there are any.
    pub categories: Vec<String>,
    /// One of these, if there are any.
    pub kinds: Vec<String>,
    /// All of these.
    pub tags: Vec<String>,
}

impl Filter {
    /// Whether it matches an event of this stream.
    #[must_use]
    pub fn matches(&self, stream: &str, event: &Event) -> bool {
        let category = stream.split('-').next().unwrap_or_default();
        self.items.is_empty()
            || self.items.iter().any(|item| {
                (item.categories.is_empty() || item.categories.iter().any(|name| name == category))
                    && (item.kinds.is_empty() || item.kinds.contains(&event.kind))
                    && item.tags.iter().all(|tag| event.tags.contains(tag))
            })
    }
}

/// One append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Its streams, in the order in which their events take positions.
    pub parts: Vec<Part>,
    /// No event may match this after that position.
    pub condition: Option<(Filter, u64)>,
}

impl Write {
    /// The ids of all its events, with their streams, in order.
    #[must_use]
    pub fn ids(&self) -> Vec<(u128, &str)> {
        self.parts.iter().flat_map(|part| part.events.iter().map(|event| (event.id, part.stream.as_str()))).collect()
    }

    /// How many events it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.events.len()).sum()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

const CATEGORIES: [&str; 3] = ["order", "product", "customer"];
const KINDS: [&str; 4] = ["Placed", "Paid", "Shipped", "Cancelled"];
const TAGS: u64 = 7;

/// One of the few streams that a proof writes to; few, so that they meet.
#[must_use]
pub fn stream_name(random: &mut Random) -> String {
    format!("{}-{}", CATEGORIES[random.index(CATEGORIES.len())], random.below(5))
}

/// A tag, of few.
pub(crate) fn tag(random: &mut Random) -> String {
    format!("tag:{}", random.below(TAGS))
}

/// A filter by categories, types and tags.
#[must_use]
pub fn filter(random: &mut Random) -> Filter {
    let mut filter = Filter::default();
    for _ in 0..random.below(3) {
        let mut item = FilterItem::default();
        if random.one_in(3) {
            item.categories = vec![CATEGORIES[random.index(CATEGORIES.len())].to_owned()];
        }
        for _ in 0..random.below(3) {
            item.kinds.push(KINDS[random.index(KINDS.len())].to_owned());
        }
        for _ in 0..random.below(3) {
            item.tags.push(tag(random));
        }
        item.kinds.sort();
        item.kinds.dedup();
        item.tags.sort();
        item.tags.dedup();
        filter.items.push(item);
    }
    filter
}

/// An event with content that its seed alone decides. `size_max` bounds its data, in bytes.
#[must_use]
pub fn event(random: &mut Random, size_max: usize) -> Event {
    let mut tags: Vec<_> = (0..random.below(4)).map(|_| tag(random)).collect();
    tags.sort();
    tags.dedup();
    let size = match random.below(12) {
        0 => 0,
        1..8 => random.index(200),
        8..11 => random.index(1_200),
        _ => random.index(12_000),
    };
    let metadata = if random.one_in(2) { random.index(60) } else { 0 };
    Event {
        id: u128::from(random.next()) << 64 | u128::from(random.next()),
        time: random.next().cast_signed() >> 16,
        kind: KINDS[random.index(KINDS.len())].to_owned(),
        tags,
        metadata: random.bytes(metadata),
        data: random.bytes(size.min(size_max)),
    }
}
