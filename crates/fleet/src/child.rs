//! A process that cannot outlive its parent.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// What to run.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) words: Vec<String>,
    pub(crate) dir: PathBuf,
    pub(crate) env: BTreeMap<String, String>,
}

/// What `cargo run` tells the program that it runs, about that program. A build that inherits it takes it for its own:
/// some crates' build scripts depend on these variables, and they and all that is built on them would be built anew.
const FROM_CARGO: [&str; 19] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
    "CARGO_PRIMARY_PACKAGE",
];

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with a code.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(libc::SIGKILL) => f.write_str("was killed (signal 9)"),
            Self::Signal(libc::SIGSEGV) => f.write_str("crashed (signal 11)"),
            Self::Signal(libc::SIGABRT) => f.write_str("aborted (signal 6)"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
        }
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or(0)),
        }
    }
}

impl Launch {
    /// The command: no input, output through pipes, a process group of its own (so that Ctrl-C in the terminal
    /// reaches only us, and a signal to the group reaches what it may have started), and death with its parent.
    pub(crate) fn command(&self) -> io::Result<Command> {
        let (program, arguments) =
            self.words.split_first().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "empty command"))?;
        let mut command = Command::new(program);
        for name in FROM_CARGO {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(&self.dir)
            .envs(&self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        die_with_parent(&mut command);
        Ok(command)
    }
}

#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    let parent = libc::pid_t::try_from(std::process::id()).unwrap_or(0);
    // SAFETY: between fork and exec only async-signal-safe functions may run; prctl and getppid are system calls,
    // and making an error from a number does not allocate.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == -1 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have died before the call above; nobody would tell us then.
            if libc::getppid() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}

/// Sends a signal to a process and all of its group.
pub(crate) fn signal_group(pid: u32, signal: i32) {
    let Ok(group) = libc::pid_t::try_from(pid) else { return };
    if group > 1 {
        // SAFETY: kill takes numbers only. A group that is gone answers ESRCH, which is what was wanted.
        unsafe { libc::kill(-group, signal) };
    }
}

/// Asks a process to end, waits, and kills it if it does not, or as soon as `hurry` is cancelled. Tells whether it
/// had to.
pub(crate) async fn end(child: &mut Child, pid: u32, within: Duration, hurry: &CancellationToken) -> bool {
    signal_group(pid, libc::SIGTERM);
    tokio::select! {
        _ = child.wait() => {
            signal_group(pid, libc::SIGKILL);
            return false;
        }
        () = tokio::time::sleep(within) => {}
        () = hurry.cancelled() => {}
    }
    signal_group(pid, libc::SIGKILL);
    // A killed process is gone at once unless the kernel itself hangs in it; then waiting longer is no use.
    let _ = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
    true
}
