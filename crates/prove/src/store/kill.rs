//! A real process on a real disk, killed without a warning at any moment while it appends; whatever it was told
//! to be durable must be there when the log is opened again.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use tradewind_log::DiskStorage;
use tradewind_testkit::disk::Random;

use super::check::read_all;
use super::child::{Assignment, Said, write_of};
use super::model::Entry;
use super::report::Report;
use super::session::{Session, options, verify};
use super::write::Filter;

/// How a process is started that calls [`super::child::main`] and nothing else.
pub type ChildCommand = Arc<dyn Fn() -> Command + Send + Sync>;

/// How long a child may take to say its first word.
const PATIENCE: Duration = Duration::from_secs(30);
/// After how many kills a log is left behind for a new one.
const KILLS_A_LOG: u64 = 6;
const SEGMENT_BYTES: [u32; 4] = [32 << 10, 64 << 10, 256 << 10, 1 << 20];
/// How many writes of a round are sent again after it.
const RETRIES: usize = 6;

/// Kills so many processes, and checks after each.
pub fn rounds(
    kills: u64,
    seed: u64,
    folder: &Path,
    command: &ChildCommand,
    report: &mut Report,
    mut progress: impl FnMut(&Report),
) -> io::Result<()> {
    let mut log: Option<KilledLog> = None;
    for number in 0..kills {
        let mut random = Random::part(seed, number);
        if number % KILLS_A_LOG == 0 {
            log = None;
        }
        let log = match &mut log {
            Some(log) => log,
            None => log.insert(KilledLog::new(folder, seed.wrapping_add(number), &mut random)?),
        };
        let outcome = log.round(&mut random, command, report);
        report.kill_rounds += 1;
        if let Err(problem) = outcome {
            report.fail("kill", seed.wrapping_add(number), problem);
            progress(report);
            return Ok(());
        }
        progress(report);
    }
    Ok(())
}

/// A log that is killed several times over.
struct KilledLog {
    folder: tempfile::TempDir,
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
        Ok(Self {
            folder: tempfile::Builder::new().prefix("tradewind-prove-").tempdir_in(folder)?,
            seed,
            segment_bytes: SEGMENT_BYTES[random.index(SEGMENT_BYTES.len())],
            sent: 0,
            acknowledged: BTreeMap::new(),
            shown: Vec::new(),
        })
    }

    fn round(&mut self, random: &mut Random, command: &ChildCommand, report: &mut Report) -> Result<(), String> {
        let before = self.acknowledged.len();
        self.run_and_kill(random, command).map_err(|error| format!("running the child: {error}"))?;
        report.count("writes acknowledged before a kill", (self.acknowledged.len() - before) as u64);

        let storage = DiskStorage::new(self.folder.path()).map_err(|error| error.to_string())?;
        let session = Session::open(Arc::new(storage), options(self.segment_bytes))
            .map_err(|error| format!("opening after a kill: {error}"))?;
        let entries = read_all(&session, &Filter::default(), 0, 5_000).map_err(|error| error.to_string())?;
        let found = self.check(&entries, session.head())?;
        report.count("writes found though not acknowledged", (found.len() - self.acknowledged.len()) as u64);
        self.retry(&session, &found, random)?;
        self.shown = read_all(&session, &Filter::default(), 0, 5_000).map_err(|error| error.to_string())?;
        drop(session);
        let storage = DiskStorage::new(self.folder.path()).map_err(|error| error.to_string())?;
        verify(&storage)
    }

    fn run_and_kill(&mut self, random: &mut Random, command: &ChildCommand) -> io::Result<()> {
        let mut child = command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
        let assignment = Assignment {
            folder: self.folder.path().to_path_buf(),
            seed: self.seed,
            start: self.sent,
            segment_bytes: self.segment_bytes,
        };
        if let Some(stdin) = &mut child.stdin {
            writeln!(stdin, "{assignment}")?;
        }
        let said = listen(&mut child);
        // Most die under load; some while they still recover from the last kill.
        let early = random.one_in(6);
        let mut heard = Vec::new();
        if early {
            thread::sleep(Duration::from_micros(random.below(15_000)));
        } else {
            match said.recv_timeout(PATIENCE) {
                Ok(first) => heard.push(first),
                Err(RecvTimeoutError::Timeout) => {
                    child.kill()?;
                    child.wait()?;
                    return Err(io::Error::other("it said nothing in time"));
                }
                // It ended by itself; what it wrote to its error output says why.
                Err(RecvTimeoutError::Disconnected) => {}
            }
            thread::sleep(Duration::from_micros(random.below(40_000)));
        }
        child.kill()?;
        let status = child.wait()?;
        if status.code().is_some() {
            return Err(io::Error::other(format!("it ended by itself: {status}")));
        }
        heard.extend(said);
        for word in heard {
            match word {
                Said::Sent { before } => self.sent = self.sent.max(before),
                Said::Acknowledged { index, first, last } => {
                    self.acknowledged.insert(index, (first, last));
                }
            }
        }
        Ok(())
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
    ) -> Result<(), String> {
        let newest = self.sent.saturating_sub(64);
        for _ in 0..RETRIES {
            if self.sent == 0 {
                return Ok(());
            }
            let index = newest + random.below(self.sent - newest);
            let head = session.head();
            let write = write_of(self.seed, index);
            let answer = session.append(&write).map_err(|why| format!("write {index} again: {why:?}"))?;
            let known = found.get(&index).or_else(|| self.acknowledged.get(&index)).copied();
            let expected = known.unwrap_or((head + 1, head + write.len() as u64));
            if (answer.first, answer.last) != expected || answer.duplicate != known.is_some() {
                return Err(format!("write {index}, sent again, is answered {answer:?} and not {expected:?}"));
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
