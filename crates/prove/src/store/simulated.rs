//! One round on a simulated disk: a log lives several lives, each of which ends well, by a kill, or by a power cut,
//! with whatever goes wrong on the way, and must be after each what it was before.

use tradewind_log::OpenError;
use tradewind_testkit::disk::{Effect, Fault, Operation, Random, SimulatedDisk};

use super::check;
use super::doubt::{Doubt, resolve};
use super::model::Model;
use super::report::Report;
use super::session::{Session, Unread, Unwritten, options, verify};
use super::workload::{Step, step, write};
use super::write::Write;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const LIVES_MAX: u64 = 5;
const STEPS_MAX: u64 = 40;

/// Which segments a round uses, in bytes: short, so that it sees many.
const SEGMENT_BYTES: [u32; 3] = [32 << 10, 36 << 10, 64 << 10];

/// A log, its disk, and all that is known of the two.
pub(super) struct Round<'a> {
    pub(super) disk: SimulatedDisk,
    pub(super) model: Model,
    doubts: Vec<Doubt>,
    random: Random,
    pub(super) segment_bytes: u32,
    /// What happened so far, for whoever has to find out why it failed.
    story: Vec<String>,
    pub(super) report: &'a mut Report,
}

/// Runs the round that a seed stands for.
///
/// # Errors
/// The first promise that is not kept.
pub fn round(seed: u64, report: &mut Report) -> Result<(), String> {
    let mut round = Round::new(seed, 1, report);
    round.lives().map_err(|problem| format!("{problem}; before: {}", round.story.join(", ")))
}

impl<'a> Round<'a> {
    pub(super) fn new(seed: u64, part: u64, report: &'a mut Report) -> Self {
        let mut random = Random::part(seed, part);
        let segment_bytes = SEGMENT_BYTES[random.index(SEGMENT_BYTES.len())];
        Self {
            disk: SimulatedDisk::new(random.next()),
            model: Model::default(),
            doubts: Vec::new(),
            random,
            segment_bytes,
            story: Vec::new(),
            report,
        }
    }
    fn lives(&mut self) -> Result<(), String> {
        for life in 0..=self.random.below(LIVES_MAX) {
            self.life().map_err(|problem| format!("life {life}: {problem}"))?;
        }
        // Whatever happened, in the end an untroubled opening shows everything, and takes more.
        self.disk.clear_plan();
        self.disk.set_capacity(None);
        let session = self.open_untroubled()?;
        self.look(&session).map_err(|problem| format!("in the end: {problem}"))?;
        self.steps(&session, 3).map_err(|problem| format!("after the end: {problem}"))?;
        drop(session);
        verify(self.disk.storage().as_ref()).map_err(|problem| format!("in the end: {problem}"))
    }

    fn count_and_tell(&mut self, what: &str) {
        self.report.count(what, 1);
        self.tell(format!("{what} at operation {}", self.disk.operations()));
    }

    fn tell(&mut self, what: impl Into<String>) {
        self.story.push(what.into());
    }

    fn life(&mut self) -> Result<(), String> {
        let session = self.open()?;
        self.look(&session).map_err(|problem| format!("after opening: {problem}"))?;
        self.plan_trouble();
        let steps = self.random.below(STEPS_MAX);
        self.steps(&session, steps)?;
        self.end(session)
    }

    /// Opens the log, through crashes and errors of its recovery.
    fn open(&mut self) -> Result<Session, String> {
        for _ in 0..self.random.below(3) {
            let trouble = self.random.below(3);
            match trouble {
                0 => self.disk.crash_at(self.disk.operations() + 1 + self.random.below(12)),
                1 => {
                    let operation = [Operation::Write, Operation::Sync, Operation::SyncNames, Operation::Read];
                    let operation = operation[self.random.index(4)];
                    let errno = if operation != Operation::Read && self.random.one_in(3) { ENOSPC } else { EIO };
                    self.disk.plan(Fault::new(operation, 1 + self.random.below(4), Effect::Fail(errno)));
                }
                _ => {}
            }
            match self.try_open() {
                Ok(session) => {
                    if trouble == 1 {
                        self.disk.clear_plan();
                    }
                    self.report.count("recoveries that met trouble late or not at all", 1);
                    return Ok(session);
                }
                Err(OpenError::Io { error, .. }) => {
                    self.tell(format!("recovery interrupted: {error}"));
                    self.report.count("recoveries interrupted", 1);
                }
                Err(other) => return Err(format!("opening after no damage: {other}")),
            }
            self.disk.clear_plan();
            match self.random.below(3) {
                choice if choice == 0 || self.disk.is_down() => {
                    self.tell("power cut");
                    self.disk.crash();
                }
                1 => self.disk.kill(),
                _ => self.disk.evict(),
            }
        }
        self.disk.clear_plan();
        self.open_untroubled()
    }

    pub(super) fn open_untroubled(&mut self) -> Result<Session, String> {
        if self.disk.is_down() {
            self.disk.crash();
        }
        self.report.count("recoveries", 1);
        self.try_open().map_err(|error| format!("opening after no damage: {error}"))
    }

    fn try_open(&self) -> Result<Session, OpenError> {
        Session::open(self.disk.storage(), options(self.segment_bytes))
    }

    /// What was in doubt is decided, and everything is there.
    fn look(&mut self, session: &Session) -> Result<(), String> {
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
            self.snapshots(session)
        });
        if looked.is_ok() {
            self.doubts = doubts;
        } else {
            self.model = before;
        }
        looked
    }

    fn plan_trouble(&mut self) {
        self.disk.clear_plan();
        let nth = 1 + self.random.below(40);
        let few = 1 + self.random.below(4);
        let before = self.disk.operations();
        let fail = |operation, nth, errno| Fault::new(operation, nth, Effect::Fail(errno));
        let trouble = self.random.below(12);
        self.tell(format!("trouble {trouble}/{nth}/{few} planned at operation {before}"));
        match trouble {
            0..4 => self.disk.crash_at(self.disk.operations() + 1 + self.random.below(150)),
            4 => self.disk.plan(fail(Operation::Write, nth, EIO)),
            5 => self.disk.plan(fail(Operation::Sync, nth, EIO)),
            6 => self.disk.plan(fail(Operation::Sync, nth, ENOSPC)),
            7 => self.disk.plan(fail(Operation::SyncNames, few, EIO)),
            8 => self.disk.plan(fail([Operation::Create, Operation::Rename][self.random.index(2)], few, EIO)),
            9 => {
                let room = self.random.below(u64::from(self.segment_bytes) * 3);
                self.disk.set_capacity(Some(self.disk.used() + room));
            }
            _ => {}
        }
    }

    pub(super) fn steps(&mut self, session: &Session, steps: u64) -> Result<(), String> {
        for number in 0..steps {
            let next = step(&mut self.random, &self.model, options(self.segment_bytes).append_bytes_max());
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
        let bytes_max = options(self.segment_bytes).append_bytes_max();
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
            Step::Stream { stream } => {
                check::stream(session, &self.model, &stream, &mut self.random).map(|()| true)
            }
        }
    }

    fn write(&mut self, session: &Session, writes: Vec<Write>) -> Result<bool, String> {
        self.report.count("writes", writes.len() as u64);
        let outcomes = session.append_all(&writes);
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
        self.snapshots(session)
    }

    /// Every snapshot that is there is one that was made; none need be.
    fn snapshots(&self, session: &Session) -> Result<(), String> {
        for stream in self.model.streams() {
            if let Some((revision, state)) = session.load_snapshot(stream)
                && (state != snapshot_of(stream, revision) || self.model.last(stream).is_none_or(|last| last < revision))
            {
                return Err(format!("the snapshot of {stream} at {revision} is not one that was made"));
            }
        }
        Ok(())
    }

    /// Ends a life.
    fn end(&mut self, session: Session) -> Result<(), String> {
        let way = if self.disk.is_down() { 2 } else { self.random.below(5) };
        match way {
            0 => {
                self.count_and_tell("ended well");
                drop(session);
            }
            1 => {
                self.count_and_tell("killed");
                self.disk.kill();
                drop(session);
            }
            2 => {
                self.count_and_tell("power cuts");
                self.disk.crash();
                drop(session);
            }
            3 => {
                self.count_and_tell("power cuts after a good end");
                drop(session);
                self.disk.crash();
            }
            _ => {
                self.count_and_tell("killed, and the cache forgotten");
                self.disk.kill();
                drop(session);
                self.disk.evict();
            }
        }
        self.disk.clear_plan();
        self.disk.set_capacity(None);
        Ok(())
    }
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
