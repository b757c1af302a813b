//! The trivial store that the log is compared with: what was recorded, in a list.

use std::collections::BTreeMap;

use super::write::{Belief, Event, Filter, Part, Write};

/// A recorded event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its position; the first is 1.
    pub position: u64,
    /// Its stream.
    pub stream: String,
    /// Its revision; the first is 0.
    pub revision: u64,
    /// The rest.
    pub event: Event,
}

/// What a writer is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The first position.
    pub first: u64,
    /// The last position.
    pub last: u64,
    /// The last revision of each stream; of a stream to which nothing was appended, what it was.
    pub revisions: Vec<Option<u64>>,
    /// Whether it had been recorded before.
    pub duplicate: bool,
}

/// Why a write is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A stream is not as believed.
    WrongRevision {
        /// Which of the write's streams.
        index: usize,
        /// Its last revision.
        actual: Option<u64>,
    },
    /// The first forbidden event.
    ConditionFailed {
        /// Its position.
        position: u64,
    },
    /// An id is taken.
    IdReused,
}

#[derive(Debug, Clone, Default)]
struct StreamState {
    positions: Vec<u64>,
    first: u64,
}

/// The store.
#[derive(Debug, Clone, Default)]
pub struct Model {
    entries: Vec<Entry>,
    streams: BTreeMap<String, StreamState>,
    /// For each id, the write that it came with.
    ids: BTreeMap<u128, usize>,
    writes: Vec<(Write, Answer)>,
}

impl Model {
    /// The last position.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Everything that was written, with its answer.
    #[must_use]
    pub fn writes(&self) -> &[(Write, Answer)] {
        &self.writes
    }

    /// The streams that there are.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        self.streams.keys().map(String::as_str)
    }

    /// The last revision of a stream.
    #[must_use]
    pub fn last(&self, stream: &str) -> Option<u64> {
        self.streams.get(stream).map(|state| state.positions.len() as u64 - 1)
    }

    /// The first revision that can be read.
    #[must_use]
    pub fn first(&self, stream: &str) -> u64 {
        self.streams.get(stream).map_or(0, |state| state.first)
    }

    /// Everything that can be read, by position.
    pub fn visible(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.revision >= self.first(&entry.stream))
    }

    /// What can be read of a stream.
    #[must_use]
    pub fn stream(&self, name: &str) -> Vec<&Entry> {
        let Some(state) = self.streams.get(name) else { return Vec::new() };
        let from = usize::try_from(state.first).unwrap_or(usize::MAX);
        state.positions[from..].iter().filter_map(|position| self.entry(*position)).collect()
    }

    /// The entry at a position, whether it can be read or not.
    #[must_use]
    pub fn entry(&self, position: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(position.checked_sub(1)?).ok()?)
    }

    /// Whether these events were recorded, and how it was answered.
    #[must_use]
    pub fn recorded(&self, write: &Write) -> Option<&(Write, Answer)> {
        let (id, _) = *write.ids().first()?;
        self.writes.get(*self.ids.get(&id)?)
    }

    /// Whether an answer is the expected one. What a repeated write says of a stream to which it appends nothing may
    /// be of then or of now.
    #[must_use]
    pub fn is_right(write: &Write, answer: &Answer, expected: &Answer) -> bool {
        let mut answer = answer.clone();
        if answer.duplicate && answer.revisions.len() == expected.revisions.len() {
            for (index, _) in write.parts.iter().enumerate().filter(|(_, part)| part.events.is_empty()) {
                answer.revisions[index] = expected.revisions[index];
            }
        }
        answer == *expected
    }

    /// What a write would be answered: an answer, or every reason to refuse it.
    ///
    /// # Errors
    /// The reasons, of which the log may give any.
    pub fn expect(&self, write: &Write) -> Result<Answer, Vec<Refusal>> {
        let ids = write.ids();
        if ids.iter().any(|(id, _)| self.ids.contains_key(id)) {
            return match self.recorded(write) {
                Some((earlier, answer)) if earlier.ids() == ids => {
                    let revisions = self.revisions_at(write, answer.first);
                    Ok(Answer { duplicate: true, revisions, ..answer.clone() })
                }
                _ => Err(vec![Refusal::IdReused]),
            };
        }
        let mut refusals = Vec::new();
        let mut revisions = Vec::new();
        for (index, part) in write.parts.iter().enumerate() {
            let actual = self.last(&part.stream);
            let holds = match part.belief {
                Belief::Any => true,
                Belief::None => actual.is_none(),
                Belief::Exists => actual.is_some(),
                Belief::Exactly(revision) => actual == Some(revision),
            };
            if !holds {
                refusals.push(Refusal::WrongRevision { index, actual });
            }
            let count = actual.map_or(0, |last| last + 1) + part.events.len() as u64;
            revisions.push(count.checked_sub(1));
        }
        if let Some((filter, after)) = &write.condition
            && let Some(position) = self.first_match(filter, *after)
        {
            refusals.push(Refusal::ConditionFailed { position });
        }
        if refusals.is_empty() {
            Ok(Answer { first: self.head() + 1, last: self.head() + write.len() as u64, revisions, duplicate: false })
        } else {
            Err(refusals)
        }
    }

    /// The last revision of each stream of a write that was recorded from a position on.
    fn revisions_at(&self, write: &Write, first: u64) -> Vec<Option<u64>> {
        let mut next = first;
        let revision = |part: &Part| {
            next += part.events.len() as u64;
            if part.events.is_empty() {
                self.last(&part.stream)
            } else {
                self.entry(next - 1).map(|entry| entry.revision)
            }
        };
        write.parts.iter().map(revision).collect()
    }

    fn first_match(&self, filter: &Filter, after: u64) -> Option<u64> {
        self.visible()
            .find(|entry| entry.position > after && filter.matches(&entry.stream, &entry.event))
            .map(|entry| entry.position)
    }

    /// Records a write, if it is not refused.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub fn apply(&mut self, write: &Write) -> Result<Answer, Vec<Refusal>> {
        let answer = self.expect(write)?;
        if !answer.duplicate {
            self.apply_unchecked(write);
            self.writes.push((write.clone(), answer.clone()));
        }
        Ok(answer)
    }

    fn apply_unchecked(&mut self, write: &Write) {
        for part in &write.parts {
            for event in &part.events {
                let position = self.head() + 1;
                let state = self.streams.entry(part.stream.clone()).or_default();
                let revision = state.positions.len() as u64;
                state.positions.push(position);
                self.ids.insert(event.id, self.writes.len());
                self.entries.push(Entry { position, stream: part.stream.clone(), revision, event: event.clone() });
            }
        }
    }

    /// The store as it was with this head, but for what was truncated; none if no write ended there.
    #[must_use]
    pub fn as_of(&self, head: u64) -> Option<Self> {
        let mut earlier = Self::default();
        for (write, _) in self.writes.iter().take_while(|(_, answer)| answer.last <= head) {
            earlier.apply_unchecked(write);
        }
        for (name, state) in &mut earlier.streams {
            state.first = self.first(name).min(state.positions.len() as u64 - 1);
        }
        (earlier.head() == head).then_some(earlier)
    }

    /// Lets events be read again that were truncated, as it is with files of an earlier time.
    pub fn set_first(&mut self, stream: &str, first: u64) {
        if let Some(state) = self.streams.get_mut(stream) {
            state.first = first;
        }
    }

    /// Gives up a stream's events before a revision; its last one stays.
    pub fn truncate(&mut self, stream: &str, before: u64) {
        if let Some(state) = self.streams.get_mut(stream) {
            let last = state.positions.len() as u64 - 1;
            state.first = state.first.max(before.min(last));
        }
    }
}
