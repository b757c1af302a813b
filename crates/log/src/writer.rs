//! Appending: gather what is waiting, check it, write it in one piece, make it durable, show it, answer.
//!
//! No timer: whoever comes while a write is under way is in the next one. A caller that finds nobody writing writes
//! itself, which spares it two changes of thread; else the log's own thread does.

use std::io;
use std::sync::Arc;
use std::sync::RwLock;

use bytes::Bytes;

use crate::check::{Accepted, Pending, Verdict, examine};
use crate::format::commit::{COMMIT_HEADER_BYTES, CommitHeader, Kind, seal_commit, truncation_body};
use crate::format::record::{Place, RecordRef, place_record};
use crate::format::{HEADER_BYTES, aligned};
use crate::index::file::SegmentEnd;
use crate::index::live::LiveIndex;
use crate::keeper::Keeper;
use crate::key::Domain;
use crate::request::AppendRequest;
use crate::segment::{Index, Segment, read, write};
use crate::state::State;
use crate::tail::TailWrite;
use crate::{AppendError, Appended};

/// How many records are shown to readers under one hold of the index's lock.
const SHOW_AT_ONCE: usize = 128;
/// What every segment keeps free for its seal.
const SEAL_BYTES: usize = COMMIT_HEADER_BYTES;

/// Whom to tell what became of an append.
pub(crate) type Done = Box<dyn FnOnce(Result<Appended, AppendError>) + Send>;

pub(crate) enum Work {
    Append(AppendRequest),
    Truncate { stream: Box<str>, before: u64 },
}

pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) done: Done,
}

impl Job {
    pub(crate) fn bytes(&self) -> usize {
        match &self.work {
            Work::Append(request) => request.body.len() + COMMIT_HEADER_BYTES,
            Work::Truncate { stream, .. } => stream.len() + COMMIT_HEADER_BYTES,
        }
    }
}

/// What one write is to put into the segment, and whom it answers.
struct Round {
    bytes: Vec<u8>,
    /// Where in the bytes each record lies.
    records: Vec<(u32, u32)>,
    first: u64,
    pending: Pending,
    truncations: Vec<(Box<str>, u64)>,
    answers: Vec<Answer>,
}

/// What somebody is told once the round is durable.
struct Answer {
    done: Done,
    result: Result<Appended, AppendError>,
    /// It is a truncation, which has no position of its own to tell that it rests on this round.
    truncates: bool,
}

pub(crate) struct Writer {
    state: Arc<State>,
    keeper: Keeper,
    segment: Arc<Segment>,
    live: Arc<RwLock<LiveIndex>>,
    /// Where in the segment the next commit goes; everything before it is durable.
    offset: u32,
    /// The position of the next record.
    next: u64,
    last_at: i64,
    epoch: u32,
    /// The last commit is not yet followed by one that says that it is durable.
    unmarked: bool,
    failed: Option<String>,
}

impl Writer {
    pub(crate) fn new(state: Arc<State>, keeper: Keeper, epoch: u32) -> Option<Self> {
        let segments = state.segments();
        let segment = Arc::clone(segments.last()?);
        let Index::Live(live) = segment.index() else { return None };
        let last_at = segments
            .iter()
            .rev()
            .map(|segment| match segment.index() {
                Index::Live(live) => read(&live).last_at,
                Index::File(file) => file.last_at,
            })
            .find(|at| *at != i64::MIN)
            .unwrap_or(i64::MIN);
        let (offset, next) = (segment.end(), state.head() + 1);
        Some(Self { state, keeper, segment, live, offset, next, last_at, epoch, unmarked: true, failed: None })
    }

    pub(crate) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    pub(crate) fn is_unmarked(&self) -> bool {
        self.unmarked && self.failed.is_none()
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Begins a new epoch with a mark, before anything else is written: whatever an earlier life of the log left
    /// behind the end that recovery found can then never be taken for a commit that follows.
    pub(crate) fn begin(&mut self) -> Result<(), &str> {
        // Nobody opens a log so often; but what a file says may be anything.
        self.epoch = self.epoch.saturating_add(1);
        self.mark();
        self.failed.as_deref().map_or(Ok(()), Err)
    }

    /// Handles everything that was waiting, as one write where it fits.
    pub(crate) fn handle(&mut self, jobs: Vec<Job>) {
        let now = (self.state.options.clock)().max(self.last_at);
        self.last_at = now;
        let conditions = jobs.iter().any(|job| matches!(&job.work, Work::Append(append) if append.condition.is_some()));
        let mut round = self.round(conditions);
        for job in jobs {
            if let Some(why) = &self.failed {
                (job.done)(Err(AppendError::Closed(why.clone())));
                continue;
            }
            let truncates = matches!(job.work, Work::Truncate { .. });
            let result = match job.work {
                Work::Append(request) => self.append(&request, now, &mut round, conditions),
                Work::Truncate { stream, before } => self.truncate(stream, before, &mut round, conditions),
            };
            round.answers.push(Answer { done: job.done, result, truncates });
        }
        self.flush(round);
    }

    fn round(&self, conditions: bool) -> Round {
        Round {
            bytes: Vec::new(),
            records: Vec::new(),
            first: self.next,
            pending: Pending::new(conditions),
            truncations: Vec::new(),
            answers: Vec::new(),
        }
    }

    fn append(
        &mut self,
        request: &AppendRequest,
        now: i64,
        round: &mut Round,
        conditions: bool,
    ) -> Result<Appended, AppendError> {
        let written = || {
            let (bytes, first) = (&round.bytes, self.segment.first);
            let records = round.records.iter();
            let found = records.filter_map(move |(start, _)| RecordRef::peek(&bytes[*start as usize..], first));
            Box::new(found) as Box<dyn Iterator<Item = RecordRef<'_>>>
        };
        match examine(&self.state, &round.pending, request, self.next, written)? {
            Verdict::Answer(appended) => Ok(appended),
            Verdict::Write(accepted) => {
                self.make_room(COMMIT_HEADER_BYTES + request.body.len(), round, conditions)?;
                self.encode(request, &accepted, now, round);
                Ok(accepted.appended)
            }
        }
    }

    fn encode(&mut self, request: &AppendRequest, accepted: &Accepted, now: i64, round: &mut Round) {
        let (number, seed) = (self.segment.number(), self.segment.header.seed);
        let frame = round.bytes.len();
        let body = frame + COMMIT_HEADER_BYTES;
        round.bytes.resize(body, 0);
        round.bytes.extend_from_slice(&request.body);
        let last = request.drafts.len() - 1;
        for (index, (draft, revision)) in request.drafts.iter().zip(&accepted.revisions).enumerate() {
            let start = body + draft.start as usize;
            let record = &mut round.bytes[start..start + draft.len as usize];
            let place = Place {
                seed,
                segment: number,
                offset: self.offset + start as u32,
                ordinal: (self.next - self.segment.first) as u32,
                revision: *revision,
                at: now,
                first: index == 0,
                last: index == last,
            };
            place_record(record, &place);
            if let Some(record) = RecordRef::peek(record, self.segment.first) {
                let key = request.streams[draft.stream as usize].key;
                round.pending.admit(&self.state, draft, record, key.hash, key.check);
            }
            round.records.push((start as u32, draft.len));
            self.next += 1;
        }
        let count = request.drafts.len() as u32;
        self.seal_frame(round, frame, Kind::Records, count);
    }

    /// Completes the frame that begins at `frame` in the round's bytes with its header and padding.
    fn seal_frame(&self, round: &mut Round, frame: usize, kind: Kind, count: u32) {
        let header = CommitHeader {
            kind,
            body_bytes: (round.bytes.len() - frame - COMMIT_HEADER_BYTES) as u32,
            count,
            first: self.next - u64::from(count),
            durable_back: frame as u32,
            epoch: self.epoch,
        };
        round.bytes.resize(aligned(round.bytes.len()), 0);
        let offset = self.offset + frame as u32;
        seal_commit(&mut round.bytes[frame..], &header, self.segment.header.seed, self.segment.number(), offset);
    }

    fn frame(&self, round: &mut Round, kind: Kind, body: &[u8]) {
        let frame = round.bytes.len();
        round.bytes.resize(frame + COMMIT_HEADER_BYTES, 0);
        round.bytes.extend_from_slice(body);
        self.seal_frame(round, frame, kind, 0);
    }

    fn truncate(
        &mut self,
        stream: Box<str>,
        before: u64,
        round: &mut Round,
        conditions: bool,
    ) -> Result<Appended, AppendError> {
        let key = self.state.keys.key(Domain::Stream, stream.as_bytes());
        let pending = round.pending.count(key.hash);
        let count = pending.or_else(|| read(&self.state.table).get(key).map(|known| known.count)).unwrap_or(0);
        let here = Appended { first: self.next - 1, last: self.next - 1, revisions: Vec::new(), duplicate: false };
        // The last record stays, so that the stream keeps its revision.
        let before = before.min(count.saturating_sub(1));
        if before == 0 || stream.len() > 255 {
            return Ok(here);
        }
        let body = truncation_body(stream.as_bytes(), before);
        self.make_room(COMMIT_HEADER_BYTES + body.len(), round, conditions)?;
        self.frame(round, Kind::Truncate, &body);
        round.truncations.push((stream, before));
        Ok(here)
    }

    /// Makes sure that a frame fits behind the round's bytes, going on to the next segment if it does not.
    fn make_room(&mut self, frame: usize, round: &mut Round, conditions: bool) -> Result<(), AppendError> {
        let fits = |writer: &Self, bytes: usize| {
            writer.offset as usize + bytes + aligned(frame) + SEAL_BYTES <= writer.segment.header.bytes as usize
        };
        // A spare that was made under other options may be too short: then the one behind it is taken.
        for _ in 0..2 {
            if fits(self, round.bytes.len()) {
                return Ok(());
            }
            let spare = self.keeper.take_spare();
            let (header, file) = spare.map_err(|error| self.refuse(&error))?;
            let full = std::mem::replace(round, self.round(conditions));
            if !self.seal(full) {
                return Err(AppendError::Closed(self.failed.clone().unwrap_or_default()));
            }
            let live = Arc::new(RwLock::new(LiveIndex::new(header.segment, self.next)));
            let end = HEADER_BYTES as u32;
            let segment = Segment::new(header, file, self.next, end, Index::Live(Arc::clone(&live)));
            self.segment = Arc::new(segment);
            self.live = live;
            self.offset = end;
            self.state.push_segment(Arc::clone(&self.segment));
        }
        if fits(self, round.bytes.len()) {
            return Ok(());
        }
        Err(AppendError::Invalid("the append does not fit into a segment".to_owned()))
    }

    /// No next segment: a full disk refuses this append and may have room for a later one; anything else is fatal.
    fn refuse(&mut self, error: &io::Error) -> AppendError {
        if error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded {
            return AppendError::DiskFull;
        }
        let why = format!("preparing the next segment failed: {error}");
        self.failed = Some(why.clone());
        AppendError::Closed(why)
    }

    /// Writes a round and the seal behind it, and gives the segment to the keeper. False if that failed.
    fn seal(&mut self, mut round: Round) -> bool {
        let seal = self.offset + round.bytes.len() as u32;
        self.frame(&mut round, Kind::Seal, &[]);
        self.flush(round);
        if self.failed.is_some() {
            return false;
        }
        self.segment.set_end(seal);
        self.keeper.index(Arc::clone(&self.segment), SegmentEnd { seal, next: self.next });
        true
    }

    /// Writes a round, makes it durable, shows it to readers, and answers.
    fn flush(&mut self, round: Round) {
        if !round.bytes.is_empty() && self.failed.is_none() {
            let file = &self.segment.file;
            let written = file.write_at(&round.bytes, u64::from(self.offset)).and_then(|()| file.sync());
            if let Err(error) = written {
                // Never a second sync: after a failed one the kernel may have dropped the bytes and call the next
                // one a success.
                self.failed = Some(format!("writing {} failed: {error}", self.segment.name()));
            }
        }
        if let Some(why) = self.failed.clone() {
            let written = !round.bytes.is_empty();
            for Answer { done, result, truncates } in round.answers {
                done(result.and_then(|appended| {
                    // A duplicate of something in this very round is as unknown as that.
                    if written && (truncates || appended.last > self.state.head()) {
                        Err(AppendError::OutcomeUnknown(why.clone()))
                    } else {
                        Ok(appended)
                    }
                }));
            }
            return;
        }
        let Round { bytes, records, first, truncations, answers, .. } = round;
        if !bytes.is_empty() {
            self.show(bytes, records, first, &truncations);
        }
        answers.into_iter().for_each(|answer| (answer.done)(answer.result));
    }

    fn show(&mut self, bytes: Vec<u8>, records: Vec<(u32, u32)>, first: u64, truncations: &[(Box<str>, u64)]) {
        let start = self.offset;
        for some in records.chunks(SHOW_AT_ONCE) {
            let (mut live, mut table) = (write(&self.live), write(&self.state.table));
            for (at, _) in some {
                if let Some(record) = RecordRef::peek(&bytes[*at as usize..], self.segment.first) {
                    live.admit(record, start + at, &self.state.keys, &mut table);
                }
            }
        }
        for (stream, before) in truncations {
            write(&self.live).truncations.push((stream.as_bytes().into(), *before));
            self.state.truncate(stream.as_bytes(), *before);
        }
        self.offset += bytes.len() as u32;
        self.segment.set_end(self.offset);
        self.unmarked = true;
        let any = !records.is_empty();
        write(&self.state.tail).push(TailWrite {
            segment: self.segment.number(),
            segment_first: self.segment.first,
            start,
            bytes: Bytes::from(bytes),
            first,
            records,
        });
        if any {
            self.state.publish(self.next - 1);
        }
    }

    /// Writes down that everything so far is durable, so that damage to the last commit is known from a torn one.
    pub(crate) fn mark(&mut self) {
        let room = self.offset as usize + COMMIT_HEADER_BYTES + SEAL_BYTES <= self.segment.header.bytes as usize;
        if self.unmarked && self.failed.is_none() && room {
            let mut round = self.round(false);
            self.frame(&mut round, Kind::Mark, &[]);
            self.flush(round);
        }
        self.unmarked = false;
    }

    /// Whether it writes to a segment, which must then not be rewritten.
    pub(crate) fn owns(&self, segment: u32) -> bool {
        self.segment.number() == segment
    }
}
