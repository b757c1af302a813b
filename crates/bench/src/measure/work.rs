//! The work that every engine is given: events of 256 bytes in streams of a few, each with an expected revision.

use std::sync::Arc;

use super::Random;

/// The types that the events take turns with: an order's life.
const KINDS: [&str; 6] =
    ["OrderCreated", "OrderApproved", "OrderPaid", "OrderPrepared", "OrderShipped", "OrderDelivered"];
/// The length of an event's data: a JSON string, so that every way to write it takes it.
const DATA_BYTES: usize = 256;
/// How much text the data is cut from: enough that no engine can compress one event by another.
const TEXT_BYTES: usize = 1 << 20;
/// When the first event happens: 2017-07-14T02:40:00Z.
const BEGIN_MICROS: i64 = 1_500_000_000_000_000;

/// How many events a stream gets.
#[derive(Debug, Clone, Copy)]
pub struct Lengths {
    /// At least so many.
    pub min: u64,
    /// At most so many.
    pub max: u64,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { min: 6, max: 20 }
    }
}

/// An event to be appended.
#[derive(Debug, Clone, Copy)]
pub struct Fresh<'a> {
    /// Its identity.
    pub id: u128,
    /// When it happened, in microseconds since the epoch.
    pub time: i64,
    /// Its stream.
    pub stream: &'a str,
    /// The stream's last revision before it, or none if it is the first.
    pub last: Option<u64>,
    /// Its type.
    pub kind: &'a str,
    /// Its only tag: its customer's.
    pub tag: &'a str,
    /// Its data: JSON.
    pub data: &'a [u8],
}

impl Fresh<'_> {
    /// How many bytes its writer hands over, with `tags` if the tag is among them: id, time, stream, type, data.
    #[must_use]
    pub fn bytes(&self, tags: bool) -> u64 {
        let tag = if tags { self.tag.len() } else { 0 };
        (16 + 8 + self.stream.len() + self.kind.len() + tag + self.data.len()) as u64
    }
}

#[derive(Debug)]
struct Slot {
    stream: String,
    tag: String,
    last: Option<u64>,
    left: u64,
}

/// A source of events for a number of writers, each with a stream of its own at any time.
#[derive(Debug)]
pub struct Work {
    random: Random,
    text: Arc<[u8]>,
    lengths: Lengths,
    slots: Vec<Slot>,
    data: Vec<u8>,
    time: i64,
    watched: Option<u64>,
    found: Vec<String>,
}

impl Work {
    /// Work that follows from a seed, for so many writers.
    #[must_use]
    pub fn new(seed: u64, writers: usize, lengths: Lengths) -> Self {
        let mut random = Random::new(seed);
        let text = (0..TEXT_BYTES).map(|_| b"0123456789abcdefghijklmnopqrstuv"[random.below(32) as usize]).collect();
        Self::of(random, text, writers, lengths)
    }

    /// Work for other writers that follows from another seed, cut from the same text.
    #[must_use]
    pub fn another(&self, seed: u64) -> Self {
        Self::of(Random::new(seed), Arc::clone(&self.text), self.slots.len(), self.lengths)
    }

    fn of(random: Random, text: Arc<[u8]>, writers: usize, lengths: Lengths) -> Self {
        let slot = || Slot { stream: String::new(), tag: String::new(), last: None, left: 0 };
        let slots = (0..writers).map(|_| slot()).collect();
        let (data, time, found) = (vec![b'"'; DATA_BYTES], BEGIN_MICROS, Vec::new());
        Self { random, text, lengths, slots, data, time, watched: None, found }
    }

    /// Remembers the names of all streams of this length, for reading them later.
    #[must_use]
    pub fn watching(mut self, length: u64) -> Self {
        self.watched = Some(length);
        self
    }

    /// The streams that were begun and have the length that is watched for.
    #[must_use]
    pub fn found(self) -> Vec<String> {
        self.found
    }

    /// The next event of a writer. It is taken for recorded: the writer's next one comes behind it.
    pub fn next(&mut self, writer: usize) -> Fresh<'_> {
        let start = self.random.below((TEXT_BYTES - DATA_BYTES) as u64) as usize;
        self.data[1..DATA_BYTES - 1].copy_from_slice(&self.text[start..start + DATA_BYTES - 2]);
        self.time += 1;
        let slot = &mut self.slots[writer];
        if slot.left == 0 {
            slot.left = self.lengths.min + self.random.below(self.lengths.max - self.lengths.min + 1);
            slot.last = None;
            slot.stream = format!("order-{}", uuid(self.random.next_u128()));
            slot.tag = format!("customer:{}", self.random.below(1 << 40));
            if self.watched == Some(slot.left) {
                self.found.push(slot.stream.clone());
            }
        }
        slot.left -= 1;
        let last = slot.last;
        let revision = last.map_or(0, |last| last + 1);
        slot.last = Some(revision);
        Fresh {
            id: self.random.next_u128(),
            time: self.time,
            stream: &slot.stream,
            last,
            kind: KINDS[(revision % KINDS.len() as u64) as usize],
            tag: &slot.tag,
            data: &self.data,
        }
    }
}

/// A number as a UUID is written.
fn uuid(number: u128) -> String {
    let hex = format!("{number:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
