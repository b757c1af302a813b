//! A log on a simulated disk, what it was told, and the checks of all that it answers.

use tradewind_log::{OpenError, Options};
use tradewind_testkit::disk::{Random, SimulatedDisk};

use super::check;
use super::doubt::{Doubt, resolve};
use super::model::Model;
use super::report::Report;
use super::session::{Session, Unread, Unwritten, options, verify};
use super::workload::{Step, step, write};
use super::write::Write;

/// Which segments a round uses, in bytes: short, so that it sees many.
const SEGMENT_BYTES: [u32; 3] = [32 << 10, 36 << 10, 64 << 10];

/// A log, its disk, and all that is known of the two.
pub(super) struct Round<'a> {
    pub(super) disk: SimulatedDisk,
    pub(super) model: Model,
    doubts: Vec<Doubt>,
    pub(super) random: Random,
    pub(super) segment_bytes: u32,
    pub(super) options: Options,
    /// The head before the newest acknowledged writes.
    pub(super) before_newest: u64,
    /// What happened so far, for whoever has to find out why it failed.
    story: Vec<String>,
    pub(super) report: &'a mut Report,
}

impl<'a> Round<'a> {
    pub(super) fn new(seed: u64, part: u64, report: &'a mut Report) -> Self {
        let mut random = Random::part(seed, part);
        let segment_bytes = SEGMENT_BYTES[random.index(SEGMENT_BYTES.len())];
        let mut options = options(segment_bytes);
        // Mostly what is usual; sometimes nothing stays in memory, or hardly anything is written together.
        options.tail_bytes_max = [options.tail_bytes_max, options.tail_bytes_max, 0, 4_000][random.index(4)];
        options.batch_requests_max = [options.batch_requests_max, 2][random.index(2)];
        options.overlap_requests_min = [options.overlap_requests_min, 0, 2][random.index(3)];
        Self {
            options,
            disk: SimulatedDisk::new(random.next()),
            model: Model::default(),
            doubts: Vec::new(),
            random,
            segment_bytes,
            before_newest: 0,
            story: Vec::new(),
            report,
        }
    }

    pub(super) fn try_open(&self) -> Result<Session, OpenError> {
        Session::open(self.disk.storage(), self.options.clone())
    }

    pub(super) fn open_untroubled(&mut self) -> Result<Session, String> {
        if self.disk.is_down() {
            self.disk.crash();
        }
        self.report.count("recoveries", 1);
        self.try_open().map_err(|error| format!("opening after no damage: {error}"))
    }

    /// What was in doubt is decided, and everything is there.
    pub(super) fn look(&mut self, session: &Session) -> Result<(), String> {
        match self.look_unless_down(session) {
            // A crash that was meant for the recovery may come only now.
            Err(_) if self.disk.is_down() => Ok(()),
            other => other,
        }
    }

    fn look_unless_down(&mut self, session: &Session) -> Result<(), String> {
        let before = self.model.clone();
        let mut doubts = self.doubts.clone();
        let resolved = resolve(&mut doubts, session, &mut self.model);
        let looked: Result<(), String> = resolved.and_then(|(there, gone)| {
            self.story.push(format!("opened with head {}, {there} of {} in doubt there", session.head(), there + gone));
            self.report.count("unacknowledged writes found whole", there);
            self.report.count("unacknowledged writes not found", gone);
            check::everything(session, &self.model, &mut self.random)?;
            snapshots(session, &self.model)
        });
        if looked.is_ok() {
            self.doubts = doubts;
        } else {
            self.model = before;
        }
        looked
    }

    /// Whatever happened, in the end an untroubled opening shows everything, takes more, and verification finds
    /// nothing.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        self.disk.clear_plan();
        self.disk.set_capacity(None);
        let session = self.open_untroubled()?;
        self.look(&session).map_err(|problem| format!("in the end: {problem}"))?;
        self.steps(&session, 3).map_err(|problem| format!("after the end: {problem}"))?;
        drop(session);
        verify(self.disk.storage().as_ref()).map_err(|problem| format!("in the end: {problem}"))
    }

    pub(super) fn steps(&mut self, session: &Session, steps: u64) -> Result<(), String> {
        for number in 0..steps {
            let next = step(&mut self.random, &self.model, self.options.append_bytes_max());
            match self.step(session, next) {
                Ok(true) => {}
                // The log takes no more, or the machine is down.
                Ok(false) => return Ok(()),
                Err(_) if self.disk.is_down() => return Ok(()),
                Err(problem) => return Err(format!("step {number}: {problem}")),
            }
        }
        Ok(())
    }

    /// One write, which is answered before anything else is done.
    pub(super) fn write_some(&mut self, session: &Session) -> Result<(), String> {
        let bytes_max = self.options.append_bytes_max();
        let write = write(&mut self.random, &self.model, bytes_max);
        self.write(session, vec![write]).map(drop)
    }

    /// One step. Answers whether the log can go on.
    fn step(&mut self, session: &Session, step: Step) -> Result<bool, String> {
        match step {
            Step::Write(writes) => self.write(session, writes),
            Step::Truncate { stream, before } => {
                match session.truncate(&stream, before) {
                    Ok(()) => self.model.truncate(&stream, before),
                    Err(Unwritten::Full) => return self.full(session),
                    Err(Unwritten::Closed) => return self.closed(session),
                    Err(Unwritten::Unknown(_)) => {
                        self.doubts.push(Doubt::Truncate { stream, before });
                        return self.closed(session);
                    }
                    Err(other) => return Err(format!("truncating {stream} before {before}: {other:?}")),
                }
                check::stream(session, &self.model, &stream, &mut self.random).map(|()| true)
            }
            Step::Snapshot { stream } => self.snapshot(session, &stream).map(|()| true),
            Step::Reclaim => {
                let reclaimed = session.reclaim();
                self.report.count("reclaims", 1);
                match reclaimed {
                    // What goes wrong with the disk is its own affair, but must not be the readers'.
                    Ok(()) | Err(Unread::Io(_)) => {}
                    Err(other) => return Err(format!("reclaiming: {other}")),
                }
                check::everything(session, &self.model, &mut self.random)
                    .map(|()| true)
                    .map_err(|problem| format!("after reclaiming: {problem}"))
            }
            Step::Query { filter, after } => check::query(session, &self.model, &filter, after).map(|()| true),
            Step::Stream { stream } => check::stream(session, &self.model, &stream, &mut self.random).map(|()| true),
        }
    }

    fn write(&mut self, session: &Session, writes: Vec<Write>) -> Result<bool, String> {
        self.report.count("writes", writes.len() as u64);
        let outcomes = session.append_all(&writes);
        let before = self.model.head();
        let mut failed = None;
        for (write, outcome) in writes.into_iter().zip(outcomes) {
            let expected = self.model.expect(&write);
            match (outcome, expected) {
                (Err(Unwritten::Unknown(_)), _) => {
                    self.doubts.push(Doubt::Write(write));
                    failed = failed.or(Some(Unwritten::Closed));
                }
                (Err(why @ (Unwritten::Full | Unwritten::Closed)), _) => failed = Some(why),
                // The machine is down: what was there could not be looked up, so nothing was written.
                (Err(Unwritten::Other(_)), _) if self.disk.is_down() => failed = Some(Unwritten::Closed),
                (outcome, _) if failed.is_some() => {
                    // Behind a failure only what does not write may be answered: and that follows from what was there.
                    if matches!(&outcome, Ok(answer) if !answer.duplicate) && failed != Some(Unwritten::Full) {
                        return Err(format!("{outcome:?} after the log had failed"));
                    }
                    if let Ok(answer) = outcome
                        && !self.model.apply(&write).is_ok_and(|expected| Model::is_right(&write, &answer, &expected))
                    {
                        return Err("a write behind one that found the disk full was answered wrongly".to_owned());
                    }
                }
                (Ok(answer), Ok(expected)) if Model::is_right(&write, &answer, &expected) => {
                    self.report.count("acknowledged", 1);
                    self.report.count("duplicates answered", u64::from(answer.duplicate));
                    self.model.apply(&write).map_err(|refusals| format!("{refusals:?}"))?;
                }
                (Err(Unwritten::Refused(refusal)), Err(allowed)) if allowed.contains(&refusal) => {
                    self.report.count("refused as they must be", 1);
                }
                (outcome, expected) => {
                    return Err(format!("a write was answered {outcome:?}, not {expected:?}: {}", describe(&write)));
                }
            }
        }
        if self.model.head() > before {
            self.before_newest = before;
        }
        match failed {
            None => Ok(true),
            Some(Unwritten::Full) => self.full(session),
            Some(_) => self.closed(session),
        }
    }

    /// The disk is full: nothing was written, reads go on, and when there is room again, so does the log.
    fn full(&mut self, session: &Session) -> Result<bool, String> {
        self.report.count("full disks", 1);
        if self.disk.is_down() {
            return Ok(false);
        }
        if self.doubts.is_empty() {
            check::everything(session, &self.model, &mut self.random)
                .map_err(|problem| format!("with a full disk: {problem}"))?;
        }
        self.disk.set_capacity(None);
        Ok(true)
    }

    /// The log takes no more appends: reads go on, and show only what was acknowledged.
    fn closed(&mut self, session: &Session) -> Result<bool, String> {
        if self.disk.is_down() {
            self.tell(format!("power cut in the middle of operation {}", self.disk.operations()));
            self.report.count("power cuts in the middle", 1);
            return Ok(false);
        }
        self.tell(format!("writer failed at head {}", session.head()));
        self.report.count("failed writers", 1);
        check::everything(session, &self.model, &mut self.random)
            .map_err(|problem| format!("with a failed writer: {problem}"))?;
        Ok(false)
    }

    fn snapshot(&mut self, session: &Session, stream: &str) -> Result<(), String> {
        let Some(revision) = self.model.last(stream) else { return Ok(()) };
        let position = self.model.stream(stream).last().map_or(0, |entry| entry.position);
        session.save_snapshot(stream, revision, position, &snapshot_of(stream, revision));
        snapshots(session, &self.model)
    }

    pub(super) fn count_and_tell(&mut self, what: &str) {
        self.report.count(what, 1);
        self.tell(format!("{what} at operation {}", self.disk.operations()));
    }

    pub(super) fn tell(&mut self, what: impl Into<String>) {
        self.story.push(what.into());
    }

    /// What happened so far.
    pub(super) fn told(&self) -> String {
        self.story.join(", ")
    }
}

/// Every snapshot that is there is one that was made; none need be.
pub(super) fn snapshots(session: &Session, model: &Model) -> Result<(), String> {
    for stream in model.streams() {
        if let Some((revision, state)) = session.load_snapshot(stream)
            && (state != snapshot_of(stream, revision) || model.last(stream).is_none_or(|last| last < revision))
        {
            return Err(format!("the snapshot of {stream} at {revision} is not one that was made"));
        }
    }
    Ok(())
}

fn snapshot_of(stream: &str, revision: u64) -> Vec<u8> {
    format!("{stream} as of {revision}").into_bytes()
}

fn describe(write: &Write) -> String {
    let parts: Vec<_> = write
        .parts
        .iter()
        .map(|part| format!("{} events to {} expecting {:?}", part.events.len(), part.stream, part.belief))
        .collect();
    format!("{} if {:?}", parts.join(", "), write.condition)
}
