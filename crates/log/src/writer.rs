//! Appending: check what is asked for, put it in one piece, make it durable, show it, answer.
//!
//! One round at a time is at the disk. Meanwhile the next one is prepared, and those before are shown and answered; a
//! small round is written at once by whoever prepared it, which spares two changes of thread.

use std::io;
use std::sync::Arc;
use std::sync::RwLock;

use bytes::{Bytes, BytesMut};

use crate::check::{Verdict, examine};
use crate::format::HEADER_BYTES;
use crate::format::commit::{COMMIT_HEADER_BYTES, Kind, truncation_body};
use crate::format::record::RecordRef;
use crate::index::file::SegmentEnd;
use crate::index::live::LiveIndex;
use crate::keeper::Keeper;
use crate::key::Domain;
use crate::pending::Pending;
use crate::request::AppendRequest;
use crate::round::{Answer, Done, Round};
use crate::rounds::Landed;
use crate::segment::{Index, Segment, read, write};
use crate::state::State;
use crate::syncer::Syncer;
use crate::tail::TailWrite;
use crate::{AppendError, Appended};

/// How many records are shown to readers under one hold of the index's lock.
const SHOW_AT_ONCE: usize = 128;

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

/// How much more a round takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) requests: usize,
    pub(crate) bytes: usize,
    /// Nothing is in it: whatever comes first is taken, however long.
    pub(crate) empty: bool,
}

pub(crate) struct Writer {
    state: Arc<State>,
    keeper: Keeper,
    syncer: Syncer,
    segment: Arc<Segment>,
    live: Arc<RwLock<LiveIndex>>,
    last_at: i64,
    /// The last commit is not yet followed by one that says that it is durable.
    unmarked: bool,
    failed: Option<String>,
}

/// The round with which a log that was just opened goes on, in a new epoch: whatever an earlier life left behind the
/// end that recovery found can then never be taken for a commit that follows. None without segments.
pub(crate) fn first_round(state: &State, epoch: u32) -> Option<Round<BytesMut>> {
    let segment = Arc::clone(state.segments().last()?);
    Some(Round {
        start: segment.end(),
        segment,
        // Nobody opens a log so often; but what a file says may be anything.
        epoch: epoch.saturating_add(1),
        bytes: BytesMut::new(),
        records: Vec::new(),
        first: state.head() + 1,
        pending: Pending::new(&state.keys),
        truncations: Vec::new(),
        answers: Vec::new(),
    })
}

impl Writer {
    /// Begins with a mark of the new epoch, before anything else is written.
    ///
    /// # Errors
    /// As the disk says.
    pub(crate) fn start(state: Arc<State>, keeper: Keeper, syncer: Syncer) -> io::Result<Self> {
        let segments = state.segments();
        let last_at = segments
            .iter()
            .rev()
            .map(|segment| match segment.index() {
                Index::Live(live) => read(&live).last_at,
                Index::File(file) => file.last_at,
            })
            .find(|at| *at != i64::MIN)
            .unwrap_or(i64::MIN);
        let segment = Arc::clone(&syncer.rounds().next.segment);
        let Index::Live(live) = segment.index() else {
            return Err(io::Error::other("the newest segment has no index in memory"));
        };
        let mut writer = Self { state, keeper, syncer, segment, live, last_at, unmarked: true, failed: None };
        writer.mark();
        match writer.failed.take() {
            None => Ok(writer),
            Some(why) => Err(io::Error::other(why)),
        }
    }

    pub(crate) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Whether it writes to a segment, which must then not be rewritten.
    pub(crate) fn owns(&self, segment: u32) -> bool {
        self.segment.number() == segment
    }

    /// Whether no round is in the hands of the other thread.
    pub(crate) fn is_idle(&self) -> bool {
        self.syncer.rounds().is_idle()
    }

    /// How much more the round that is being prepared takes.
    pub(crate) fn room(&self) -> Room {
        let (options, rounds) = (&self.state.options, self.syncer.rounds());
        Room {
            requests: options.batch_requests_max.saturating_sub(rounds.next.answers.len()),
            bytes: options.batch_bytes_max.saturating_sub(rounds.next.bytes.len()),
            empty: rounds.next.answers.is_empty(),
        }
    }

    /// Does what there is to do, until it waits for the disk or `more` gives nothing. `more` takes from the queue
    /// what a round has room for.
    pub(crate) fn advance(&mut self, more: &mut dyn FnMut(Room) -> Vec<Job>) {
        loop {
            self.show_landed();
            let jobs = more(self.room());
            let any = !jobs.is_empty();
            self.prepare(jobs);
            if self.is_idle() {
                if self.syncer.rounds().next.answers.is_empty() {
                    return;
                }
                self.send();
            } else if !any {
                self.syncer.send();
                if self.syncer.rounds().is_waiting() {
                    return;
                }
            }
        }
    }

    /// Checks what is asked for, and puts what may be written into the next round.
    fn prepare(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let now = (self.state.options.clock)().max(self.last_at);
        self.last_at = now;
        for job in jobs {
            if let Some(why) = &self.failed {
                (job.done)(Err(AppendError::Closed(why.clone())));
                continue;
            }
            if let Work::Append(AppendRequest { before: Some(before), .. }) = &job.work {
                self.last_at = self.last_at.max(before.at);
            }
            let truncates = matches!(job.work, Work::Truncate { .. });
            let result = match job.work {
                Work::Append(request) => self.append(&request, now),
                Work::Truncate { stream, before } => self.truncate(stream, before),
            };
            self.syncer.rounds().next.answers.push(Answer { done: job.done, result, truncates });
        }
    }

    fn append(&mut self, request: &AppendRequest, now: i64) -> Result<Appended, AppendError> {
        let frame = COMMIT_HEADER_BYTES + request.body.len();
        // What comes from another store keeps its time.
        let now = request.before.map_or(now, |before| before.at);
        let accepted = {
            let mut rounds = self.syncer.rounds();
            match examine(&self.state, &mut rounds, request)? {
                Verdict::Answer(appended) => return Ok(appended),
                Verdict::Write(accepted) if request.before.is_some_and(|it| it.first != accepted.appended.first) => {
                    let (next, first) = (accepted.appended.first, request.before.map_or(0, |it| it.first));
                    return Err(AppendError::Invalid(format!("the next position is {next}, not {first}")));
                }
                Verdict::Write(accepted) if rounds.next.has_room(frame) => {
                    rounds.next.append(request, &accepted, now);
                    return Ok(accepted.appended);
                }
                Verdict::Write(accepted) => accepted,
            }
        };
        self.make_room(frame)?;
        self.syncer.rounds().next.append(request, &accepted, now);
        Ok(accepted.appended)
    }

    fn truncate(&mut self, stream: Box<str>, before: u64) -> Result<Appended, AppendError> {
        let key = self.state.keys.key(Domain::Stream, stream.as_bytes());
        let (pending, last) = {
            let rounds = self.syncer.rounds();
            (rounds.stream(key.hash).map(|(count, _)| count), rounds.last())
        };
        let count = pending.or_else(|| read(&self.state.table).get(key).map(|known| known.count)).unwrap_or(0);
        let here = Appended { first: last, last, revisions: Vec::new(), duplicate: false };
        // The last record stays, so that the stream keeps its revision.
        let before = before.min(count.saturating_sub(1));
        if before == 0 || stream.len() > 255 {
            return Ok(here);
        }
        let body = truncation_body(stream.as_bytes(), before);
        self.make_room(COMMIT_HEADER_BYTES + body.len())?;
        let mut rounds = self.syncer.rounds();
        rounds.next.frame(Kind::Truncate, &body);
        rounds.next.truncations.push((stream, before));
        Ok(here)
    }

    /// Makes sure that a frame fits behind the next round's bytes, going on to the next segment if it does not.
    fn make_room(&mut self, frame: usize) -> Result<(), AppendError> {
        // A spare that was made under other options may be too short: then the one behind it is taken.
        for _ in 0..2 {
            if self.syncer.rounds().next.has_room(frame) {
                return Ok(());
            }
            let spare = self.keeper.take_spare();
            let (header, file) = spare.map_err(|error| self.refuse(&error))?;
            self.seal();
            if let Some(why) = &self.failed {
                return Err(AppendError::Closed(why.clone()));
            }
            let mut rounds = self.syncer.rounds();
            let next = &mut rounds.next;
            let live = Arc::new(RwLock::new(LiveIndex::new(header.segment, next.first, &self.state.keys)));
            let end = HEADER_BYTES as u32;
            let segment = Arc::new(Segment::new(header, file, next.first, end, Index::Live(Arc::clone(&live))));
            (next.segment, next.start) = (Arc::clone(&segment), end);
            self.segment = Arc::clone(&segment);
            self.live = live;
            self.state.push_segment(segment);
        }
        if self.syncer.rounds().next.has_room(frame) {
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

    /// Writes what there is and the seal behind it, and gives the segment to the keeper.
    fn seal(&mut self) {
        drop(self.syncer.hold());
        self.show_landed();
        // A failure has answered everyone who waited.
        if self.failed.is_none() {
            let seal = {
                let mut rounds = self.syncer.rounds();
                let seal = rounds.next.end();
                rounds.next.frame(Kind::Seal, &[]);
                seal
            };
            self.write_here();
            if self.failed.is_none() {
                self.segment.set_end(seal);
                let next = self.syncer.rounds().next.first;
                self.keeper.index(Arc::clone(&self.segment), SegmentEnd { seal, next });
            }
        }
        self.syncer.rounds().held = false;
    }

    /// Writes down that everything so far is durable, so that damage to the last commit is known from a torn one.
    /// Nothing is done while more is on its way.
    pub(crate) fn mark(&mut self) {
        if !self.unmarked || self.failed.is_some() {
            return;
        }
        {
            let mut rounds = self.syncer.rounds();
            if !rounds.is_idle() || !rounds.next.answers.is_empty() {
                return;
            }
            if rounds.next.has_room(COMMIT_HEADER_BYTES) {
                rounds.next.frame(Kind::Mark, &[]);
            }
        }
        self.write_here();
        self.unmarked = false;
    }

    /// Sends the next round to the disk: by the other thread if that pays.
    fn send(&mut self) {
        if self.failed.is_some() {
            self.give_up_next();
            return;
        }
        let small = {
            let next = &self.syncer.rounds().next;
            next.bytes.is_empty() || next.answers.len() < self.state.options.overlap_requests_min
        };
        if small {
            self.write_here();
        } else {
            self.syncer.send();
        }
    }

    /// Writes the next round in this thread. None may be at the disk.
    fn write_here(&mut self) {
        let round = self.syncer.rounds().turn();
        let written = if round.bytes.is_empty() { Ok(()) } else { round.write().run() };
        self.complete(Landed { round, written });
    }

    /// Shows the rounds that have come back from the disk.
    fn show_landed(&mut self) {
        loop {
            let landed = self.syncer.rounds().take_landed();
            match landed {
                Some(landed) => self.complete(landed),
                None => return,
            }
        }
    }

    /// Shows a round that is durable, and answers; or tells all who wait that nothing more is written.
    fn complete(&mut self, landed: Landed) {
        let Landed { round, written } = landed;
        if let Err(error) = written {
            // Never a second sync: after a failed one the kernel may have dropped the bytes and call the next one a
            // success.
            let why = format!("writing {} failed: {error}", self.segment.name());
            self.failed = Some(why.clone());
            let head = self.state.head();
            for answer in round.answers {
                answer.give_up(head, &|_| AppendError::OutcomeUnknown(why.clone()));
            }
            self.give_up_next();
            return;
        }
        let Round { bytes, start, records, first, pending, truncations, answers, .. } = round;
        let bytes = if bytes.is_empty() { None } else { self.show(bytes, start, records, first, &truncations) };
        answers.into_iter().for_each(|answer| (answer.done)(answer.result));
        self.syncer.rounds().reuse(pending, bytes);
    }

    /// Answers those whose round will never be sent, since an earlier one failed.
    fn give_up_next(&mut self) {
        let (why, head) = (self.failed.clone().unwrap_or_default(), self.state.head());
        let (first, answers) = {
            let mut rounds = self.syncer.rounds();
            let next = rounds.turn();
            (next.first, next.answers)
        };
        for answer in answers {
            // It may also rest on what was sent before.
            answer.give_up(head, &|appended| match appended.last < first {
                true => AppendError::OutcomeUnknown(why.clone()),
                false => AppendError::Closed(why.clone()),
            });
        }
    }

    /// Answers bytes that nobody reads any more.
    fn show(
        &mut self,
        bytes: Bytes,
        start: u32,
        records: Vec<(u32, u32)>,
        first: u64,
        truncated: &[(Box<str>, u64)],
    ) -> Option<BytesMut> {
        for some in records.chunks(SHOW_AT_ONCE) {
            let (mut live, mut table) = (write(&self.live), write(&self.state.table));
            for (at, _) in some {
                if let Some(record) = RecordRef::peek(&bytes[*at as usize..], self.segment.first) {
                    live.admit(record, start + at, &self.state.keys, &mut table);
                }
            }
        }
        for (stream, before) in truncated {
            write(&self.live).truncations.push((stream.as_bytes().into(), *before));
            self.state.truncate(stream.as_bytes(), *before);
        }
        self.segment.set_end(start + bytes.len() as u32);
        self.unmarked = true;
        let head = (first + records.len() as u64).checked_sub(1).filter(|_| !records.is_empty());
        let (segment, segment_first) = (self.segment.number(), self.segment.first);
        let oldest = write(&self.state.tail).push(TailWrite { segment, segment_first, start, bytes, first, records });
        if let Some(head) = head {
            self.state.publish(head);
        }
        oldest.and_then(|oldest| oldest.try_into_mut().ok())
    }
}

impl Answer {
    /// Answers after a failure: with what is durable all the same, or with an error.
    fn give_up(self, head: u64, error: &dyn Fn(&Appended) -> AppendError) {
        (self.done)(self.result.and_then(|appended| match !self.truncates && appended.last <= head {
            true => Ok(appended),
            false => Err(error(&appended)),
        }));
    }
}
