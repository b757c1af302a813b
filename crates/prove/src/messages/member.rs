//! A process of the proof: started, told things, listened to, killed.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::ChildCommand;
use super::child::{Assignment, Said, Told};
use super::network::Place;

/// How long a process may take to be at work, or to know what became of what it has sent.
const WITHIN: Duration = Duration::from_secs(90);
/// How much of what a process said at its end is told.
const LAST_LINES: usize = 5;

/// What kind of process it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Publisher,
    Relay,
    Consumer,
}

/// What a process has said.
#[derive(Default)]
struct Heard {
    /// Position and id of what was acknowledged.
    acknowledged: Vec<(u64, String)>,
}

/// A process.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) role: Role,
    command: ChildCommand,
    assignment: String,
    /// What it writes to its standard error.
    log: PathBuf,
    running: Option<Running>,
    place: watch::Sender<Option<SocketAddr>>,
    paused: watch::Sender<bool>,
    heard: Arc<Mutex<Heard>>,
}

struct Running {
    child: Child,
    stdin: ChildStdin,
    listening: JoinHandle<()>,
}

impl Member {
    pub(super) fn new(name: &str, role: Role, command: ChildCommand, folder: &Path) -> Self {
        Self {
            name: name.to_owned(),
            role,
            command,
            assignment: String::new(),
            log: folder.join(format!("{name}.log")),
            running: None,
            place: watch::Sender::new(None),
            paused: watch::Sender::new(false),
            heard: Arc::default(),
        }
    }

    /// Where it serves its log.
    pub(super) fn place(&self) -> Place {
        self.place.subscribe()
    }

    pub(super) fn assign(&mut self, assignment: &Assignment) -> Result<(), String> {
        self.assignment = serde_json::to_string(assignment).map_err(|error| error.to_string())? + "\n";
        Ok(())
    }

    /// Starts it, and does not wait until it is at work.
    pub(super) async fn start(&mut self) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{} cannot be started: {error}", self.name);
        let log = std::fs::File::options().create(true).append(true).open(&self.log).map_err(failed)?;
        let mut command = Command::from((self.command)());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{} cannot be spoken to", self.name));
        };
        // One that ends at once is noticed when it is waited for.
        let _ = stdin.write_all(self.assignment.as_bytes()).await;
        self.paused.send_replace(false);
        let listening = tokio::spawn(listen(stdout, self.place.clone(), self.paused.clone(), Arc::clone(&self.heard)));
        self.running = Some(Running { child, stdin, listening });
        Ok(())
    }

    /// Waits until it is at work.
    pub(super) async fn ready(&mut self) -> Result<(), String> {
        let mut place = self.place();
        self.until("is not at work", async move { place.wait_for(Option::is_some).await.is_ok() }).await
    }

    /// As `kill -9`, if it is running. Everything that it said before is heard.
    pub(super) async fn kill(&mut self) -> Result<(), String> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        if let Ok(Some(status)) = running.child.try_wait() {
            return Err(self.ended(&status.to_string()));
        }
        running.child.kill().await.map_err(|error| format!("{} cannot be killed: {error}", self.name))?;
        let _ = running.listening.await;
        self.place.send_replace(None);
        Ok(())
    }

    pub(super) async fn tell(&mut self, told: Told) {
        if let Some(running) = &mut self.running {
            // One that has ended is noticed when it is waited for.
            let _ = running.stdin.write_all(format!("{}\n", told.line()).as_bytes()).await;
        }
    }

    /// Has it pause, and waits until it knows what became of all that it has sent.
    pub(super) async fn pause(&mut self) -> Result<(), String> {
        self.tell(Told::Pause).await;
        let mut paused = self.paused.subscribe();
        self.until("does not come to rest", async move { paused.wait_for(|paused| *paused).await.is_ok() }).await
    }

    pub(super) async fn go_on(&mut self) {
        self.paused.send_replace(false);
        self.tell(Told::Go).await;
    }

    async fn until(&mut self, otherwise: &str, reached: impl Future<Output = bool>) -> Result<(), String> {
        let Some(running) = &mut self.running else { return Err(format!("{} is not running", self.name)) };
        let outcome = tokio::select! {
            reached = tokio::time::timeout(WITHIN, reached) => Ok(reached.unwrap_or(false)),
            status = running.child.wait() => Err(status),
        };
        match outcome {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("{} {otherwise} within {} s", self.name, WITHIN.as_secs())),
            Err(status) => Err(self.ended(&status.map_or_else(|error| error.to_string(), |status| status.to_string()))),
        }
    }

    fn ended(&self, status: &str) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("; ");
        format!("{} ended by itself, {status}: {last}", self.name)
    }

    /// What has been acknowledged since this was last asked.
    pub(super) fn take_acknowledged(&self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner).acknowledged)
    }
}

async fn listen(
    stdout: ChildStdout,
    place: watch::Sender<Option<SocketAddr>>,
    paused: watch::Sender<bool>,
    heard: Arc<Mutex<Heard>>,
) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match Said::parse(&line) {
            Some(Said::Ready { port }) => drop(place.send_replace(Some((Ipv4Addr::LOCALHOST, port).into()))),
            Some(Said::Paused) => drop(paused.send_replace(true)),
            Some(Said::Acknowledged { first, ids }) => {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.acknowledged.extend((first..).zip(ids));
            }
            // A line that was cut by the kill, or that somebody else wrote.
            None => {}
        }
    }
}
