//! A server's process: killed with the test's own, even if that is killed itself.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A running server, which is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

type Start = (Command, SyncSender<io::Result<Child>>);

/// Starts a child from a thread that lives as long as the process. The kernel's signal at a parent's end is bound to
/// the thread that started the child, and the threads of tests come and go.
fn start(command: Command) -> io::Result<Child> {
    static STARTER: OnceLock<Mutex<SyncSender<Start>>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (sender, starts) = sync_channel::<Start>(16);
        thread::spawn(move || {
            for (mut command, answer) in starts {
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(sender)
    });
    let (answer, child) = sync_channel(1);
    let sent = starter.lock().unwrap_or_else(PoisonError::into_inner).send((command, answer));
    sent.map_err(io::Error::other)?;
    child.recv().map_err(io::Error::other)?
}

impl Process {
    /// Starts a server. What it prints goes to a file. When this process ends, it gets the signal `at_end`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(mut command: Command, log: &Path, at_end: i32) -> io::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        command.stdout(output.try_clone()?).stderr(output);
        let parent = std::process::id();
        // SAFETY: between fork and exec it only makes two system calls, which allocate nothing and take no lock.
        unsafe {
            command.pre_exec(move || {
                libc::prctl(libc::PR_SET_PDEATHSIG, at_end);
                // It may have ended before the line above.
                if libc::getppid() as u32 != parent {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                Ok(())
            });
        }
        Ok(Self { child: start(command)?, log: log.to_owned() })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: the child has not been waited for, so its number is still its own.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// If it has not within the time.
    pub fn wait(&mut self, within: Duration) -> io::Result<ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if begun.elapsed() > within {
                return Err(io::Error::other(format!("still running after {} s", within.as_secs())));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a look says that it is ready.
    ///
    /// # Panics
    /// If it ends or is not ready within the time, with the end of what it printed.
    pub fn until_ready(&mut self, within: Duration, mut ready: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !ready() {
            let ended = self.child.try_wait().ok().flatten();
            let late = begun.elapsed() > within;
            assert!(ended.is_none() && !late, "the server is not ready ({ended:?}):\n{}", self.printed());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The last lines that it printed.
    #[must_use]
    pub fn printed(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on now.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its number").port()
}
