//! A real process on a real disk, killed without a warning at any moment while it appends; whatever it was told
//! to be durable must be there when the log is opened again.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use tradewind_log::DiskStorage;
use tradewind_testkit::disk::Random;

use self::ended::Ended;
use super::check::read_all;
use super::child::{Assignment, Said, write_of};
use super::model::Entry;
use super::report::Report;
use super::session::{Session, options, verify};
use super::write::Filter;

mod ended;

/// How a process is started that calls [`super::child::main`] and nothing else.
pub type ChildCommand = Arc<dyn Fn() -> Command + Send + Sync>;

/// With what the names of folders begin that are removed again.
const FOLDER_PREFIX: &str = "tradewind-prove-";
/// How long a child may take to say its first word.
const PATIENCE: Duration = Duration::from_secs(30);
/// After how many kills a log is left behind for a new one.
const KILLS_A_LOG: u64 = 6;
const SEGMENT_BYTES: [u32; 4] = [32 << 10, 64 << 10, 256 << 10, 1 << 20];
/// How many writes of a round are sent again after it.
const RETRIES: usize = 6;

/// Kills so many processes, and checks after each, until `stop` says so. Nothing repeats the moment of a kill, so the
/// log of a promise that was not kept is kept.
pub fn rounds(
    kills: u64,
    seed: u64,
    folder: &Path,
    command: &ChildCommand,
    stop: &AtomicBool,
    report: &mut Report,
    mut progress: impl FnMut(&Report),
) {
    let mut log: Option<KilledLog> = None;
    for number in 0..kills {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let mut random = Random::part(seed, number);
        let fresh = if number % KILLS_A_LOG == 0 { None } else { log.take() };
        let fresh = fresh.map_or_else(|| KilledLog::new(folder, seed.wrapping_add(number), &mut random), Ok);
        let mut killed = match fresh {
            Ok(killed) => killed,
            Err(error) => {
                report.hindered = Some(format!("{}: {error}", folder.display()));
                return;
            }
        };
        let outcome = killed.round(&mut random, command, report);
        report.kill_rounds += 1;
        match outcome {
            Ok(()) => log = Some(killed),
            Err(Ended::Broken(problem)) => report.fail_kept("kill", killed.root.keep(), problem),
            Err(Ended::Hindered(why)) => report.hindered = Some(killed.hindered(&why)),
        }
        progress(report);
        if log.is_none() {
            return;
        }
    }
}

/// Whether logs can be made in a folder.
///
/// # Errors
/// As the operating system says.
pub fn try_folder(folder: &Path) -> io::Result<()> {
    tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir_in(folder)?.close()
}

/// A log that is killed several times over.
struct KilledLog {
    /// Has the log in one folder, and in another what the last kill had left of it.
    root: tempfile::TempDir,
    seed: u64,
    segment_bytes: u32,
    /// All writes before this one may have been sent.
    sent: u64,
    /// What was acknowledged: first and last position by write.
    acknowledged: BTreeMap<u64, (u64, u64)>,
    /// Everything that an earlier opening showed.
    shown: Vec<Entry>,
}

impl KilledLog {
    fn new(folder: &Path, seed: u64, random: &mut Random) -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir_in(folder)?;
        std::fs::create_dir(root.path().join("log"))?;
        Ok(Self {
            root,
            seed,
            segment_bytes: SEGMENT_BYTES[random.index(SEGMENT_BYTES.len())],
            sent: 0,
            acknowledged: BTreeMap::new(),
            shown: Vec::new(),
        })
    }

    fn log(&self) -> PathBuf {
        self.root.path().join("log")
    }

    fn as_killed(&self) -> PathBuf {
        self.root.path().join("as-killed")
    }

    fn storage(&self) -> Result<DiskStorage, Ended> {
        DiskStorage::new(self.log()).map_err(|error| Ended::hindered("opening the folder", &error))
    }

    /// What to say of a hindrance. A process that ended by itself after it had written may have found a fault that the
    /// log does not show, so that its log is kept, too.
    fn hindered(self, why: &str) -> String {
        let has_written = std::fs::read_dir(self.as_killed()).is_ok_and(|mut files| files.next().is_some());
        if has_written {
            format!("{why}; the log is in {}", self.root.keep().display())
        } else {
            format!("{}: {why}", self.root.path().display())
        }
    }

    fn round(&mut self, random: &mut Random, command: &ChildCommand, report: &mut Report) -> Result<(), Ended> {
        let before = self.acknowledged.len();
        let ran = self.run_and_kill(random, command);
        report.count("writes acknowledged before a kill", (self.acknowledged.len() - before) as u64);
        ended::copy(&self.log(), &self.as_killed()).map_err(|error| Ended::hindered("copying the log", &error))?;
        // Whether a process that ended by itself had a reason to is for the log to say.
        self.reopen(random, report)?;
        ran.map_err(|error| Ended::hindered("running the process that is to be killed", &error))
    }

    fn reopen(&mut self, random: &mut Random, report: &mut Report) -> Result<(), Ended> {
        let session = Session::open(Arc::new(self.storage()?), options(self.segment_bytes));
        let session = session.map_err(|error| Ended::opening(&error))?;
        let all =
            |session: &Session| read_all(session, &Filter::default(), 0, 5_000).map_err(|error| Ended::reading(&error));
        let entries = all(&session)?;
        let found = self.check(&entries, session.head())?;
        report.count("writes found though not acknowledged", (found.len() - self.acknowledged.len()) as u64);
        self.retry(&session, &found, random)?;
        self.shown = all(&session)?;
        drop(session);
        Ok(verify(&self.storage()?)?)
    }

    fn run_and_kill(&mut self, random: &mut Random, command: &ChildCommand) -> io::Result<()> {
        // In a group of its own, so that Ctrl-C in a terminal is for us alone: we end when the round has.
        let mut command = command();
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn()?;
        let assignment =
            Assignment { folder: self.log(), seed: self.seed, start: self.sent, segment_bytes: self.segment_bytes };
        // One that has ended already does not take it; how it ended says more.
        let assigned = child.stdin.as_mut().map_or(Ok(()), |stdin| writeln!(stdin, "{assignment}"));
        let said = listen(&mut child);
        // Most die under load; some while they still recover from the last kill.
        let early = random.one_in(6);
        let mut heard = Vec::new();
        let mut in_time = true;
        if early {
            thread::sleep(Duration::from_micros(random.below(15_000)));
        } else {
            match said.recv_timeout(PATIENCE) {
                Ok(first) => heard.push(first),
                Err(RecvTimeoutError::Timeout) => in_time = false,
                // It ended by itself; what it wrote to its error output says why.
                Err(RecvTimeoutError::Disconnected) => {}
            }
            thread::sleep(Duration::from_micros(random.below(40_000)));
        }
        child.kill()?;
        let status = child.wait()?;
        heard.extend(said);
        for word in heard {
            match word {
                Said::Sent { before } => self.sent = self.sent.max(before),
                Said::Acknowledged { index, first, last } => {
                    self.acknowledged.insert(index, (first, last));
                }
            }
        }
        if status.code().is_some() {
            return Err(io::Error::other(format!("it ended by itself: {status}")));
        }
        if !in_time {
            return Err(io::Error::other("it said nothing in time"));
        }
        assigned
    }

    /// Everything acknowledged is there, and nothing that was never sent, without a gap. Answers the writes that
    /// are there.
    fn check(&self, entries: &[Entry], head: u64) -> Result<BTreeMap<u64, (u64, u64)>, String> {
        let mut revisions: BTreeMap<&str, u64> = BTreeMap::new();
        let mut found: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
        for (expected, entry) in (1..).zip(entries) {
            if entry.position != expected {
                return Err(format!("position {} follows position {}", entry.position, expected - 1));
            }
            let next = revisions.entry(&entry.stream).or_default();
            if entry.revision != *next {
                return Err(format!("{}@{} stands where {next} should", entry.stream, entry.revision));
            }
            *next += 1;
            let index = super::child::index_of(entry.event.id);
            if index >= self.sent {
                return Err(format!("position {expected} is of write {index}, which was never sent"));
            }
            let range = found.entry(index).or_insert((expected, expected));
            let place = usize::try_from(expected - range.0).unwrap_or(usize::MAX);
            let write = write_of(self.seed, index);
            let wanted = write.parts.iter().flat_map(|part| part.events.iter().map(|e| (&part.stream, e))).nth(place);
            if wanted.is_none_or(|(stream, event)| *stream != entry.stream || *event != entry.event) {
                return Err(format!("position {expected} is not what write {index} sent there"));
            }
            range.1 = expected;
            *counts.entry(index).or_default() += 1;
        }
        if head != entries.len() as u64 {
            return Err(format!("the head is {head}, with {} events", entries.len()));
        }
        if let Some((index, _)) = counts.iter().find(|(index, count)| **count != write_of(self.seed, **index).len()) {
            return Err(format!("write {index} is there in part"));
        }
        for (index, range) in &self.acknowledged {
            if found.get(index) != Some(range) {
                return Err(format!(
                    "write {index} was acknowledged at {range:?} and is at {:?}; the head is {head}",
                    found.get(index)
                ));
            }
        }
        match self.shown.iter().zip(entries).find(|(before, now)| before != now) {
            Some((before, _)) => Err(format!("position {} is not what it was after the last kill", before.position)),
            None if entries.len() < self.shown.len() => Err("events are gone that were there before".to_owned()),
            None => Ok(found),
        }
    }

    /// Sent again, a write that is there is answered as it was, and one that is not is written.
    fn retry(
        &mut self,
        session: &Session,
        found: &BTreeMap<u64, (u64, u64)>,
        random: &mut Random,
    ) -> Result<(), Ended> {
        let newest = self.sent.saturating_sub(64);
        for _ in 0..RETRIES {
            if self.sent == 0 {
                return Ok(());
            }
            let index = newest + random.below(self.sent - newest);
            let head = session.head();
            let write = write_of(self.seed, index);
            let answer = session.append(&write).map_err(|why| Ended::writing(index, &why))?;
            let known = found.get(&index).or_else(|| self.acknowledged.get(&index)).copied();
            let expected = known.unwrap_or((head + 1, head + write.len() as u64));
            if (answer.first, answer.last) != expected || answer.duplicate != known.is_some() {
                return Err(format!("write {index}, sent again, is answered {answer:?} and not {expected:?}").into());
            }
            self.acknowledged.insert(index, expected);
        }
        Ok(())
    }
}

fn listen(child: &mut Child) -> Receiver<Said> {
    let (tell, said) = sync_channel(1 << 14);
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A test harness may say things of its own; a line that was cut by the kill tells nothing.
                if let Some(word) = Said::parse(&line)
                    && tell.send(word).is_err()
                {
                    return;
                }
            }
        });
    }
    said
}

#[cfg(test)]
mod tests;
