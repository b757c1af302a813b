//! A process that is measured, or takes part: with its children, what they use, and their end.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::mem;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::cores::confine;

/// How long it has to end when it is asked to.
const END_WITHIN: Duration = Duration::from_secs(3);

/// A process and all that it has started. Dropped, they end.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// Starts it on a core.
    ///
    /// # Errors
    /// As the operating system says.
    pub(super) fn start(command: &mut Command, core: usize) -> io::Result<Self> {
        confine(command, core);
        Ok(Self { child: command.stdin(Stdio::null()).spawn()? })
    }

    /// The first line that it says on its standard output, if that is a pipe.
    pub(super) fn first_line(&mut self) -> Option<String> {
        let mut line = String::new();
        BufReader::new(self.child.stdout.take()?).read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    fn id(&self) -> libc::pid_t {
        self.child.id() as libc::pid_t
    }

    /// The processor time that it and its children have used so far, to the nanosecond.
    pub(super) fn cpu_time(&self) -> Duration {
        family(self.id()).into_iter().filter_map(|id| cpu_time_of(id).ok()).sum()
    }

    /// Bytes of memory that it and its children have in use; what they share counts for each.
    pub(super) fn resident_bytes(&self) -> u64 {
        family(self.id()).into_iter().filter_map(resident_bytes_of).sum()
    }

    /// Ends it as a power cut would.
    pub(super) fn kill(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let family = family(self.id());
        if !self.has_ended() {
            // SAFETY: it has not been waited for, so the number is still its own.
            unsafe { libc::kill(self.id(), libc::SIGTERM) };
        }
        let until = Instant::now() + END_WITHIN;
        while !self.has_ended() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        self.kill();
        for orphan in family.into_iter().filter(|id| *id != self.id() && parent_of(*id).is_some()) {
            // SAFETY: a moment ago it was a child of the process that is gone.
            unsafe { libc::kill(orphan, libc::SIGKILL) };
        }
    }
}

fn cpu_time_of(id: libc::pid_t) -> io::Result<Duration> {
    let mut clock: libc::clockid_t = 0;
    // SAFETY: the call writes the number of a clock.
    let error = unsafe { libc::clock_getcpuclockid(id, &raw mut clock) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    // SAFETY: zeros are a valid time.
    let mut time: libc::timespec = unsafe { mem::zeroed() };
    // SAFETY: the call writes a time.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
    Ok(Duration::new(seconds, nanos))
}

fn resident_bytes_of(id: libc::pid_t) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn parent_of(id: libc::pid_t) -> Option<libc::pid_t> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name before it stands in parentheses and may hold anything, also parentheses.
    text.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// A process and all that descend from it.
fn family(id: libc::pid_t) -> Vec<libc::pid_t> {
    let all: Vec<(libc::pid_t, libc::pid_t)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id| Some((id, parent_of(id)?)))
        .collect();
    let mut family = vec![id];
    let mut at = 0;
    while let Some(parent) = family.get(at).copied() {
        family.extend(all.iter().filter(|(_, its)| *its == parent).map(|(id, _)| *id));
        at += 1;
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::cores::Cores;

    #[test]
    fn what_its_children_use_counts_and_they_end_with_it() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo so; sleep 100' & sleep 100"]);
        let mut process = Process::start(shell.stdout(Stdio::piped()), Cores::here().unwrap().others).unwrap();
        assert_eq!(process.first_line().unwrap(), "so");
        let all = family(process.id());
        assert!(all.len() >= 3, "{all:?}");
        let own = cpu_time_of(process.id()).unwrap();
        assert!(process.cpu_time() > own + Duration::from_millis(20), "{:?} of {own:?}", process.cpu_time());
        assert!(process.resident_bytes() > resident_bytes_of(process.id()).unwrap());
        drop(process);
        let is_there =
            |id: &libc::pid_t| fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
        let until = Instant::now() + Duration::from_secs(5);
        while all.iter().any(is_there) {
            assert!(Instant::now() < until, "some of {all:?} are still there");
            thread::sleep(Duration::from_millis(5));
        }
    }
}
