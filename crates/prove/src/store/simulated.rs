//! One round on a simulated disk: a log lives several lives, each of which ends well, by a kill, or by a power cut,
//! with whatever goes wrong on the way, and must be after each what it was before.

use tradewind_log::OpenError;
use tradewind_testkit::disk::{Effect, Fault, Operation};

use super::report::Report;
use super::round::Round;
use super::session::Session;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const LIVES_MAX: u64 = 5;
const STEPS_MAX: u64 = 40;

/// Runs the round that a seed stands for.
///
/// # Errors
/// The first promise that is not kept.
pub fn round(seed: u64, report: &mut Report) -> Result<(), String> {
    let mut round = Round::new(seed, 1, report);
    round.lives().map_err(|problem| format!("{problem}; before: {}", round.told()))
}

impl Round<'_> {
    fn lives(&mut self) -> Result<(), String> {
        for life in 0..=self.random.below(LIVES_MAX) {
            self.life().map_err(|problem| format!("life {life}: {problem}"))?;
        }
        self.finish()
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

    /// Ends a life.
    fn end(&mut self, session: Session) -> Result<(), String> {
        // The process may have died in the middle of something, or the whole machine.
        let way = if self.disk.is_down() { [1, 2, 2, 4][self.random.index(4)] } else { self.random.below(5) };
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
