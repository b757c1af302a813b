//! A batch of appends as the arrays that the database's `append` takes, and its answer as theirs.

use std::collections::HashMap;
use std::ops::Range;

use tokio_postgres::Row;
use tradewind_events::{Append, AppendError, Appended, Event, ExpectedRevision, Position, Query, Revision, Tag};
use uuid::Uuid;

use super::connect::Connection;
use super::failure::Failure;
use super::kinds::category;
use super::sql::Sql;
use super::streams::Seen;

/// What became of one append.
pub(super) type Outcome = Result<Appended, AppendError>;

/// An append as it is asked for.
pub(super) struct Asked<'a> {
    pub(super) append: &'a Append,
    /// Up to where it is known already that nothing is against its condition.
    pub(super) searched: Position,
}

/// What the database decides.
pub(super) enum Decision {
    Made(Outcome),
    /// Its condition cannot be searched for within a batch, since all others would wait. It holds up to here.
    Dear(Position),
}

/// How the database is told what a writer expects, besides revisions.
const NOTHING: i64 = -1;
const ANYTHING: i64 = -2;
const SOMETHING: i64 = -3;

/// The arrays; their elements stand in the order of the batch. Indexes in them begin with 1.
#[derive(Default)]
struct Arrays<'a> {
    names: Vec<&'a str>,
    append_parts: Vec<i32>,
    append_events: Vec<i32>,
    conditions: Vec<Option<String>>,
    afters: Vec<i64>,
    part_slots: Vec<i32>,
    part_expected: Vec<i64>,
    part_events: Vec<i32>,
    appends: Vec<i32>,
    parts: Vec<i32>,
    slots: Vec<i32>,
    offsets: Vec<i32>,
    ordinals: Vec<i32>,
    ids: Vec<Uuid>,
    times: Vec<i64>,
    edges: Vec<i16>,
    tags: Vec<String>,
    metadata: Vec<Vec<u8>>,
    data: Vec<&'a [u8]>,
    /// By category and type.
    kinds: Vec<(&'a str, &'a str)>,
}

/// Sends a batch, which the database decides as a whole and answers one by one.
pub(super) async fn send(connection: &Connection, sql: &Sql, batch: &[Asked<'_>]) -> Result<Vec<Decision>, Failure> {
    let arrays = Arrays::of(batch);
    let kinds = connection.kinds.numbers(connection, &sql.kinds_of, &arrays.kinds).await?;
    let statement = connection.prepared(&sql.append).await?;
    let seen = connection.streams.seen(&arrays.names);
    connection.take_given_up_standby();
    let row = connection
        .client
        .query_one(
            &statement,
            &[
                &seen.through,
                &arrays.names,
                &seen.numbers,
                &seen.lasts,
                &arrays.append_parts,
                &arrays.append_events,
                &arrays.conditions,
                &arrays.afters,
                &arrays.part_slots,
                &arrays.part_expected,
                &arrays.part_events,
                &arrays.appends,
                &arrays.parts,
                &arrays.slots,
                &arrays.offsets,
                &arrays.ordinals,
                &arrays.ids,
                &arrays.times,
                &kinds,
                &arrays.edges,
                &arrays.tags,
                &arrays.metadata,
                &arrays.data,
            ],
        )
        .await?;
    if connection.take_given_up_standby() {
        // Repeated, the events are found where they are, and the repetition waits for the standby.
        let why = "committed, but the wait for the synchronous standby was cancelled".to_owned();
        return Err(Failure::Away(why));
    }
    let answer = Answer::read(&row, &arrays, seen)?;
    connection.streams.learn(answer.believed, answer.head, &arrays.names, &answer.numbers, &answer.lasts);
    batch
        .iter()
        .map({
            let mut part = 0;
            move |asked| {
                let parts = part..part + asked.append.streams.len();
                part = parts.end;
                (asked.append, parts)
            }
        })
        .enumerate()
        .map(|(index, (append, parts))| answer.of(index, append, parts, &arrays.ids))
        .collect::<Option<_>>()
        .ok_or_else(|| Failure::Refused("the answer to a batch is not understood".to_owned()))
}

impl<'a> Arrays<'a> {
    fn of(batch: &[Asked<'a>]) -> Self {
        let mut arrays = Self::default();
        let mut slots: HashMap<&'a str, i32> = HashMap::with_capacity(batch.len());
        let conditional = batch.iter().any(|asked| asked.append.condition.is_some());
        for asked in batch {
            arrays.append(asked.append, &mut slots);
            if conditional {
                let condition = asked.append.condition.as_ref();
                arrays.conditions.push(condition.map(|condition| items(&condition.fail_if)));
                arrays.afters.push(condition.map_or(0, |condition| signed(condition.after.max(asked.searched).0)));
            }
        }
        arrays
    }

    fn append(&mut self, append: &'a Append, slots: &mut HashMap<&'a str, i32>) {
        let events: usize = append.streams.iter().map(|part| part.events.len()).sum();
        self.append_parts.push(append.streams.len() as i32);
        self.append_events.push(events as i32);
        let mut offset = 0;
        for part in &append.streams {
            let name = part.stream.as_str();
            let slot = *slots.entry(name).or_insert_with(|| {
                self.names.push(name);
                self.names.len() as i32
            });
            self.part_slots.push(slot);
            self.part_expected.push(match part.expected {
                ExpectedRevision::Any => ANYTHING,
                ExpectedRevision::None => NOTHING,
                ExpectedRevision::Exists => SOMETHING,
                ExpectedRevision::Exactly(revision) => signed(revision.0),
            });
            self.part_events.push(part.events.len() as i32);
            for (ordinal, event) in part.events.iter().enumerate() {
                let (first, last) = (offset == 0, offset + 1 == events);
                self.slots.push(slot);
                self.offsets.push(offset as i32);
                self.ordinals.push(ordinal as i32 + 1);
                self.edges.push(i16::from(first) | i16::from(last) << 1);
                self.event(category(name), event);
                offset += 1;
            }
        }
    }

    fn event(&mut self, category: &'a str, event: &'a Event) {
        self.appends.push(self.append_parts.len() as i32);
        self.parts.push(self.part_slots.len() as i32);
        self.ids.push(event.id.0);
        self.times.push(event.time.micros());
        self.kinds.push((category, event.event_type.as_str()));
        self.tags.push(event.tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(","));
        self.metadata.push(event.metadata.encode());
        self.data.push(&event.data);
    }
}

/// A query as the database's functions take it: a list of alternatives, in which empty parts are left out.
pub(super) fn items(query: &Query) -> String {
    serde_json::to_string(query).unwrap_or_default()
}

/// The database counts with signs; nothing comes near the difference.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What the database says of a batch.
struct Answer {
    /// Where the store stands behind it.
    head: i64,
    /// Whether what was remembered of streams was true.
    believed: bool,
    status: Vec<i32>,
    answers: Vec<i64>,
    details: Vec<i32>,
    revisions: Vec<i64>,
    /// By name: the stream's number and last revision behind the batch.
    numbers: Vec<i64>,
    lasts: Vec<i64>,
}

impl Answer {
    /// Reads it, and completes it with what follows from what was asked: usually everything is recorded.
    fn read(row: &Row, arrays: &Arrays<'_>, seen: Seen) -> Result<Self, Failure> {
        let (head, believed) = (row.try_get(4)?, row.try_get(5)?);
        let (numbers, lasts): (Option<Vec<i64>>, Option<Vec<i64>>) = (row.try_get(6)?, row.try_get(7)?);
        let is_told = numbers.is_some();
        // What the caller does not remember is new, if it is not told.
        let or_new = |seen: Vec<Option<i64>>, new: i64| seen.into_iter().map(|seen| seen.unwrap_or(new)).collect();
        let numbers = numbers.unwrap_or_else(|| or_new(seen.numbers, 0));
        let lasts = lasts.unwrap_or_else(|| or_new(seen.lasts, -1));
        let mut answer = Self {
            head,
            believed,
            status: Vec::new(),
            answers: Vec::new(),
            details: Vec::new(),
            revisions: Vec::new(),
            numbers,
            lasts,
        };
        match row.try_get::<_, Option<Vec<i32>>>(0)? {
            None => answer.all_recorded(arrays, is_told),
            Some(status) => {
                answer.status = status;
                answer.answers = row.try_get(1)?;
                answer.details = row.try_get(2)?;
                answer.revisions = row.try_get(3)?;
                if !is_told {
                    answer.some_recorded(arrays);
                }
            }
        }
        Ok(answer)
    }

    /// Everything was recorded, up to the head. What streams were like is known from before the batch, or from behind
    /// it if that was told.
    fn all_recorded(&mut self, arrays: &Arrays<'_>, is_told: bool) {
        let appends = arrays.append_parts.len();
        self.status = vec![0; appends];
        self.details = vec![0; appends];
        if is_told {
            for (slot, events) in arrays.part_slots.iter().zip(&arrays.part_events) {
                self.lasts[*slot as usize - 1] -= i64::from(*events);
            }
        }
        let mut next = self.head - arrays.ids.len() as i64 + 1;
        let mut part = 0;
        for (parts, events) in arrays.append_parts.iter().zip(&arrays.append_events) {
            self.answers.push(next);
            let mut first = next;
            for _ in 0..*parts {
                let (slot, events) = (arrays.part_slots[part] as usize - 1, i64::from(arrays.part_events[part]));
                if events > 0 && self.numbers[slot] == 0 {
                    self.numbers[slot] = first;
                }
                self.lasts[slot] += events;
                self.revisions.push(self.lasts[slot]);
                first += events;
                part += 1;
            }
            next += i64::from(*events);
        }
    }

    /// Not everything was recorded: how streams are now is what the parts that were say.
    fn some_recorded(&mut self, arrays: &Arrays<'_>) {
        let mut part = 0;
        for (append, parts) in arrays.append_parts.iter().enumerate() {
            let mut first = self.answers[append];
            for _ in 0..*parts {
                let (slot, events) = (arrays.part_slots[part] as usize - 1, i64::from(arrays.part_events[part]));
                if self.status[append] == 0 && events > 0 {
                    if self.numbers[slot] == 0 {
                        self.numbers[slot] = first;
                    }
                    self.lasts[slot] += events;
                    first += events;
                }
                part += 1;
            }
        }
    }

    fn of(&self, index: usize, append: &Append, parts: Range<usize>, ids: &[Uuid]) -> Option<Decision> {
        let (status, answer) = (*self.status.get(index)?, *self.answers.get(index)?);
        let revision = |part: usize| self.revisions.get(part).map(|last| u64::try_from(*last).ok().map(Revision));
        let place = Position(u64::try_from(answer).ok()?);
        Some(Decision::Made(match status {
            0 | 1 => {
                let events: u64 = append.streams.iter().map(|part| part.events.len() as u64).sum();
                // Without events it stands where the store stood.
                let first = if events == 0 { Position(place.0.saturating_sub(1)) } else { place };
                Ok(Appended {
                    first,
                    last: Position(first.0 + events.saturating_sub(1)),
                    revisions: parts.map(revision).collect::<Option<_>>()?,
                    duplicate: status == 1,
                })
            }
            2 => {
                let number = usize::try_from(answer).ok()?.checked_sub(1)?;
                let part = append.streams.get(number.checked_sub(parts.start)?)?;
                let (stream, expected) = (part.stream.clone(), part.expected);
                Err(AppendError::WrongRevision { stream, expected, actual: revision(number)? })
            }
            3 => Err(AppendError::ConditionFailed { position: place }),
            4 => {
                let event = usize::try_from(*self.details.get(index)?).ok()?.checked_sub(1)?;
                let id = tradewind_events::EventId(*ids.get(event)?);
                Err(AppendError::IdReused { id, position: place })
            }
            5 => return Some(Decision::Dear(place)),
            _ => return None,
        }))
    }
}
