//! The log as the proof uses it, in the proof's own words.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tradewind_log::{
    AppendError, AppendRequest, Appended, Expected, Log, NewRecord, OpenError, Options, Query, QueryItem, ReadError,
    RecordRef, Snapshot, Storage,
};

use super::model::{Answer, Entry, Refusal};
use super::write::{Belief, Event, Filter, Write};

/// How long an answer may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(60);

/// A log that is open.
pub struct Session {
    log: Log,
}

/// Why a write was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwritten {
    /// Refused for a reason that the model knows.
    Refused(Refusal),
    /// Refused since the disk is full: not written.
    Full,
    /// Refused since the log failed before: not written.
    Closed,
    /// Written or not.
    Unknown(String),
    /// Anything else.
    Other(String),
}

/// Why a read gave nothing.
#[derive(Debug)]
pub enum Unread {
    /// The log says that what it keeps is damaged, and where.
    Damaged(String),
    /// The disk gave an error.
    Io(String),
    /// The answer makes no sense.
    Broken(String),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(what) | Self::Io(what) | Self::Broken(what) => f.write_str(what),
        }
    }
}

impl From<ReadError> for Unread {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { .. } => Self::Damaged(error.to_string()),
            ReadError::Io { .. } => Self::Io(error.to_string()),
        }
    }
}

/// Part of a stream.
#[derive(Debug, Clone)]
pub struct Slice {
    /// The events.
    pub entries: Vec<Entry>,
    /// The stream's last revision.
    pub last: Option<u64>,
    /// The first that can be read.
    pub first: u64,
}

/// How the proof opens logs: with a clock that only counts, and names that hash alike in every run.
#[must_use]
pub fn options(segment_bytes: u32) -> Options {
    let ticks = AtomicI64::new(1_700_000_000_000_000);
    let mut options = Options::new(Arc::new(move || ticks.fetch_add(1_000, Ordering::Relaxed)));
    options.segment_bytes = segment_bytes;
    options.hash_seed = Some(7);
    options
}

/// Checks every byte of a log that nobody has open, as `tradewind store verify` does.
///
/// # Errors
/// What was found.
pub fn verify(storage: &dyn Storage) -> Result<(), String> {
    let found = tradewind_log::verify(storage, |_, _| {}).map_err(|error| format!("verifying: {error}"))?;
    let losses: Vec<_> = found.findings.iter().filter(|finding| finding.loss).collect();
    if losses.is_empty() { Ok(()) } else { Err(format!("verification of a sound log finds {losses:?}")) }
}

impl Session {
    /// Opens a log.
    ///
    /// # Errors
    /// As the log says.
    pub fn open(storage: Arc<dyn Storage>, options: Options) -> Result<Self, OpenError> {
        Log::open(storage, options).map(|log| Self { log })
    }

    /// The log itself.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The last position.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.log.head()
    }

    /// Appends and waits.
    ///
    /// # Errors
    /// Why it was not acknowledged.
    pub fn append(&self, write: &Write) -> Result<Answer, Unwritten> {
        let answer = self.log.append(self.request(write)?);
        answer.map(answer_of).map_err(unwritten)
    }

    /// Sends all at once, then waits for the answers.
    #[must_use]
    pub fn append_all(&self, writes: &[Write]) -> Vec<Result<Answer, Unwritten>> {
        if let [only] = writes {
            return vec![self.append(only)];
        }
        let answers: Vec<_> = writes
            .iter()
            .map(|write| {
                let (tell, told) = sync_channel(1);
                let request = self.request(write)?;
                // Nobody listens any more when the round has failed already.
                self.log.submit(request, move |answer| drop(tell.send(answer)));
                Ok(told)
            })
            .collect();
        answers
            .into_iter()
            .map(|told: Result<_, Unwritten>| match told?.recv_timeout(PATIENCE) {
                Ok(answer) => answer.map(answer_of).map_err(unwritten),
                Err(_) => Err(Unwritten::Other("no answer ever came".to_owned())),
            })
            .collect()
    }

    fn request(&self, write: &Write) -> Result<AppendRequest, Unwritten> {
        let mut request = self.log.request();
        for part in &write.parts {
            let expected = match part.belief {
                Belief::Any => Expected::Any,
                Belief::None => Expected::None,
                Belief::Exists => Expected::Exists,
                Belief::Exactly(revision) => Expected::Exactly(revision),
            };
            request.stream(&part.stream, expected).map_err(unwritten)?;
            for event in &part.events {
                let tags: Vec<&str> = event.tags.iter().map(String::as_str).collect();
                let record = NewRecord {
                    id: event.id,
                    time: event.time,
                    kind: &event.kind,
                    tags: &tags,
                    metadata: &event.metadata,
                    data: &event.data,
                };
                request.record(record).map_err(unwritten)?;
            }
        }
        if let Some((filter, after)) = &write.condition {
            request.condition(query_of(filter), *after);
        }
        Ok(request)
    }

    /// Gives up the events of a stream before a revision.
    ///
    /// # Errors
    /// Why it was not acknowledged.
    pub fn truncate(&self, stream: &str, before: u64) -> Result<(), Unwritten> {
        self.log.truncate(stream, before).map_err(unwritten)
    }

    /// Takes back the space of what was given up.
    ///
    /// # Errors
    /// As the log says.
    pub fn reclaim(&self) -> Result<(), Unread> {
        self.log.reclaim().map(drop).map_err(Unread::from)
    }

    /// One page: the events, and up to where it tells all.
    ///
    /// # Errors
    /// As the log says.
    pub fn read(&self, after: u64, filter: &Filter, limit: usize) -> Result<(Vec<Entry>, u64), Unread> {
        let page = self.log.read(after, &query_of(filter), limit)?;
        Ok((page.records.iter().map(|record| entry_of(record.get())).collect(), page.through))
    }

    /// Part of a stream. It goes on behind pages that end early.
    ///
    /// # Errors
    /// As the log says.
    pub fn read_stream(&self, name: &str, from: u64, forward: bool, limit: usize) -> Result<Slice, Unread> {
        let page = self.log.read_stream(name, from, !forward, limit)?;
        let mut slice = Slice {
            entries: page.records.iter().map(|record| entry_of(record.get())).collect(),
            last: page.last,
            first: page.first,
        };
        let mut end = page.end;
        while !end && slice.entries.len() < limit {
            let Some(newest) = slice.entries.last() else {
                return Err(Unread::Broken(format!("an empty page of {name} from {from} is not its end")));
            };
            let next = if forward { newest.revision + 1 } else { newest.revision - 1 };
            let page = self.log.read_stream(name, next, !forward, limit - slice.entries.len())?;
            slice.entries.extend(page.records.iter().map(|record| entry_of(record.get())));
            end = page.end;
        }
        Ok(slice)
    }

    /// What is in memory of a page, if it is all there.
    #[must_use]
    pub fn read_recent(&self, after: u64, filter: &Filter, limit: usize) -> Option<(Vec<Entry>, u64)> {
        let page = self.log.read_recent(after, &query_of(filter), limit)?;
        Some((page.records.iter().map(|record| entry_of(record.get())).collect(), page.through))
    }

    /// What is in memory of a stream, if it is all there.
    #[must_use]
    pub fn read_stream_recent(&self, name: &str, from: u64, forward: bool, limit: usize) -> Option<Vec<Entry>> {
        let page = self.log.read_stream_recent(name, from, !forward, limit)?;
        Some(page.records.iter().map(|record| entry_of(record.get())).collect())
    }

    /// When the events were recorded that can be read, by position.
    ///
    /// # Errors
    /// As the log says.
    pub fn recorded_at(&self) -> Result<Vec<(u64, i64)>, Unread> {
        let mut all = Vec::new();
        let mut after = 0;
        while after < self.head() {
            let page = self.log.read(after, &Query::default(), 1_000)?;
            all.extend(page.records.iter().map(|record| (record.get().position(), record.get().recorded_at())));
            after = page.through;
        }
        Ok(all)
    }

    /// The last position recorded at or before a moment.
    ///
    /// # Errors
    /// As the log says.
    pub fn position_at(&self, moment: i64) -> Result<u64, Unread> {
        Ok(self.log.position_at(moment)?)
    }

    /// Keeps a snapshot.
    pub fn save_snapshot(&self, stream: &str, revision: u64, position: u64, state: &[u8]) {
        self.log.save_snapshot(&Snapshot {
            stream: stream.to_owned(),
            revision,
            position,
            schema: "proof".to_owned(),
            state: state.to_vec(),
        });
    }

    /// The newest snapshot of a stream: its revision and state.
    #[must_use]
    pub fn load_snapshot(&self, stream: &str) -> Option<(u64, Vec<u8>)> {
        self.log.load_snapshot(stream).map(|snapshot| (snapshot.revision, snapshot.state))
    }
}

fn answer_of(appended: Appended) -> Answer {
    Answer { first: appended.first, last: appended.last, revisions: appended.revisions, duplicate: appended.duplicate }
}

fn unwritten(error: AppendError) -> Unwritten {
    match error {
        AppendError::WrongRevision { index, actual, .. } => {
            Unwritten::Refused(Refusal::WrongRevision { index, actual })
        }
        AppendError::ConditionFailed { position } => Unwritten::Refused(Refusal::ConditionFailed { position }),
        AppendError::IdReused { .. } => Unwritten::Refused(Refusal::IdReused),
        AppendError::DiskFull => Unwritten::Full,
        AppendError::Closed(_) => Unwritten::Closed,
        AppendError::OutcomeUnknown(why) => Unwritten::Unknown(why),
        other => Unwritten::Other(other.to_string()),
    }
}

fn query_of(filter: &Filter) -> Query {
    let items = filter.items.iter().map(|item| QueryItem {
        categories: item.categories.clone(),
        kinds: item.kinds.clone(),
        tags: item.tags.clone(),
    });
    Query { items: items.collect() }
}

fn entry_of(record: RecordRef<'_>) -> Entry {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Entry {
        position: record.position(),
        stream: text(record.stream()),
        revision: record.revision(),
        event: Event {
            id: record.id(),
            time: record.time(),
            kind: text(record.kind()),
            tags: record.each_tag().map(text).collect(),
            metadata: record.metadata().to_vec(),
            data: record.data().to_vec(),
        },
    }
}
