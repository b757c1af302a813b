//! What a proof does with a log, one step after the other, by chance.

use std::collections::BTreeSet;

use tradewind_testkit::disk::Random;

use super::model::Model;
use super::write::{Belief, Event, Filter, Part, Write, event, filter, stream_name};

/// One step.
#[derive(Debug, Clone)]
pub enum Step {
    /// Writes that are sent at once, without waiting for the answer of one before the next.
    Write(Vec<Write>),
    /// Gives up events.
    Truncate {
        /// Of this stream.
        stream: String,
        /// Before this revision.
        before: u64,
    },
    /// Keeps a snapshot of a stream as it is.
    Snapshot {
        /// The stream.
        stream: String,
    },
    /// Reclaims space.
    Reclaim,
    /// Reads what a filter finds.
    Query {
        /// The filter.
        filter: Filter,
        /// After this position.
        after: u64,
    },
    /// Reads one stream.
    Stream {
        /// The stream.
        stream: String,
    },
}

/// The next step, with the store as the model has it.
#[must_use]
pub fn step(random: &mut Random, model: &Model, append_bytes_max: usize) -> Step {
    match random.below(40) {
        0 | 1 => {
            let stream = stream_name(random);
            let before = random.below(model.last(&stream).map_or(2, |last| last + 2));
            Step::Truncate { stream, before }
        }
        2 | 3 => Step::Snapshot { stream: stream_name(random) },
        4 => Step::Reclaim,
        5..8 => Step::Query { filter: filter(random), after: random.below(model.head() + 1) },
        8..11 => Step::Stream { stream: stream_name(random) },
        11..15 => Step::Write(burst(random, model, append_bytes_max)),
        _ => Step::Write(vec![write(random, model, append_bytes_max)]),
    }
}

/// Writes that rest on one another, as they would come from one client that does not wait.
fn burst(random: &mut Random, model: &Model, append_bytes_max: usize) -> Vec<Write> {
    let mut ahead = model.clone();
    (0..2 + random.below(10))
        .map(|_| {
            let write = write(random, &ahead, append_bytes_max);
            let _ = ahead.apply(&write);
            write
        })
        .collect()
}

/// One write: mostly such that it succeeds, sometimes a repetition, sometimes one that must be refused.
#[must_use]
pub fn write(random: &mut Random, model: &Model, append_bytes_max: usize) -> Write {
    if random.one_in(12) && !model.writes().is_empty() {
        return model.writes()[random.index(model.writes().len())].0.clone();
    }
    let part_count = if random.one_in(3) { 1 + random.index(4) } else { 1 };
    let event_count = if part_count == 1 && random.one_in(15) { 20 } else { 1 + random.index(3) };
    // A record's own names and numbers take less than 400 bytes.
    let size_max = (append_bytes_max.saturating_sub(1_100) / (part_count * event_count)).saturating_sub(400);
    let mut named = BTreeSet::new();
    let mut parts = Vec::new();
    for _ in 0..part_count {
        let stream = stream_name(random);
        if !named.insert(stream.clone()) {
            continue;
        }
        let belief = belief(random, model, &stream);
        let count = if parts.is_empty() || !random.one_in(6) { event_count } else { 0 };
        let events: Vec<Event> = (0..count).map(|_| event(random, size_max)).collect();
        parts.push(Part { stream, belief, events });
    }
    let condition = random.one_in(4).then(|| {
        let after = if random.one_in(4) { random.below(model.head() + 1) } else { model.head() };
        (filter(random), after)
    });
    let mut write = Write { parts, condition };
    if random.one_in(40)
        && let Some((earlier, _)) = model.writes().get(random.index(model.writes().len()))
    {
        if random.one_in(2) {
            return part_of(random, earlier);
        }
        // An id of an earlier write among new ones.
        let ids = earlier.ids();
        write.parts[0].events[0].id = ids[random.index(ids.len())].0;
    }
    write
}

/// An earlier write without some events at its beginning or end.
fn part_of(random: &mut Random, earlier: &Write) -> Write {
    let mut write = Write { condition: None, ..earlier.clone() };
    let from_front = random.one_in(2);
    let part = if from_front { write.parts.first_mut() } else { write.parts.last_mut() };
    if let Some(part) = part {
        part.belief = Belief::Any;
        if from_front {
            part.events.drain(..part.events.len().min(1));
        } else {
            part.events.pop();
        }
    }
    // Without events it would not be a repetition of anything.
    if write.is_empty() { earlier.clone() } else { write }
}

fn belief(random: &mut Random, model: &Model, stream: &str) -> Belief {
    let last = model.last(stream);
    match random.below(10) {
        0..4 => last.map_or(Belief::None, Belief::Exactly),
        4..8 => Belief::Any,
        8 => Belief::Exists,
        _ if random.one_in(2) => Belief::Exactly(random.below(last.unwrap_or(0) + 3)),
        _ => Belief::None,
    }
}
