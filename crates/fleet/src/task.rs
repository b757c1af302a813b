//! Commands that end: builds, and what is to be done once when all is ready.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::child::{self, Launch};
use crate::fleet::LAST_LINES;
use crate::output::Lines;
use crate::spawner::Spawner;
use crate::{Exit, Output, ServiceName, ServiceSpec};

/// How long an interrupted task may take to end before it is killed.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);
/// How long a task that has ended may take to be read to its end: what it left behind may hold the pipes open for ever.
const LAST_LINES_WITHIN: Duration = Duration::from_secs(1);

/// One build command and whom it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildStep {
    /// The command's words.
    pub words: Vec<String>,
    /// The services that need it.
    pub services: Vec<ServiceName>,
}

/// A line that a task wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskLine {
    /// Where it came from.
    pub output: Output,
    /// The line without its end.
    pub text: String,
}

/// Why a task did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// It could not be started.
    #[error("{command} cannot be started: {error}")]
    Start {
        /// The command.
        command: String,
        /// Why not.
        error: io::Error,
    },
    /// It ended otherwise than with code 0.
    #[error("{command} {exit}")]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        exit: Exit,
        /// What it said last.
        last_lines: Vec<String>,
    },
    /// We were told to stop while it ran, and ended it.
    #[error("{command} was interrupted")]
    Interrupted {
        /// The command.
        command: String,
    },
}

/// The build commands of services, each once, in the order in which they first appear.
#[must_use]
pub fn build_steps(specs: &[ServiceSpec]) -> Vec<BuildStep> {
    let mut steps: Vec<BuildStep> = Vec::new();
    for spec in specs {
        let Some(words) = &spec.build else { continue };
        match steps.iter_mut().find(|step| step.words == *words) {
            Some(step) => step.services.push(spec.name.clone()),
            None => steps.push(BuildStep { words: words.clone(), services: vec![spec.name.clone()] }),
        }
    }
    steps
}

/// Runs a command to its end, and hands over each line that it writes. There is no limit on its time: it ends by
/// itself or when `stop` is cancelled.
///
/// # Errors
/// [`TaskError`] if it cannot be started, does not succeed, or is interrupted.
pub async fn run_task(
    words: &[String],
    dir: &Path,
    stop: &CancellationToken,
    mut line: impl FnMut(TaskLine) + Send,
) -> Result<(), TaskError> {
    let command = shell_words::join(words);
    let cannot_start = |error| TaskError::Start { command: command.clone(), error };
    let launch = Launch { words: words.to_vec(), dir: dir.to_owned(), env: BTreeMap::new() };
    let spawner = Spawner::start().map_err(cannot_start)?;
    let mut child = spawner.spawn(launch).await.map_err(cannot_start)?;
    let pid = child.id().unwrap_or(0);

    let (lines, mut inbox) = mpsc::channel(256);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // A blocked reader of ours blocks the task, not memory: the channel is bounded and the pipe behind it too.
    let readers = tokio::spawn(async move {
        let out = forward(stdout, Output::Stdout, lines.clone());
        let err = forward(stderr, Output::Stderr, lines);
        tokio::join!(out, err);
    });
    let mut last = VecDeque::with_capacity(LAST_LINES);
    let mut take = |taken: TaskLine| {
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(taken.text.clone());
        line(taken);
    };
    let status = loop {
        tokio::select! {
            Some(taken) = inbox.recv() => take(taken),
            status = child.wait() => break status,
            () = stop.cancelled() => {
                child::end(&mut child, pid, DRAIN_WITHIN, &CancellationToken::new()).await;
                readers.abort();
                return Err(TaskError::Interrupted { command });
            }
        }
    };
    let rest = async {
        while let Some(taken) = inbox.recv().await {
            take(taken);
        }
    };
    // Whoever still has the pipes open then writes to nobody.
    let _ = tokio::time::timeout(LAST_LINES_WITHIN, rest).await;
    readers.abort();
    let exit = Exit::from(status.map_err(cannot_start)?);
    if exit == Exit::Code(0) { Ok(()) } else { Err(TaskError::Failed { command, exit, last_lines: last.into() }) }
}

async fn forward(from: Option<impl AsyncRead + Unpin>, output: Output, lines: mpsc::Sender<TaskLine>) {
    let Some(from) = from else { return };
    let mut read = Lines::of(from);
    while let Some(text) = read.next().await {
        if lines.send(TaskLine { output, text }).await.is_err() {
            return;
        }
    }
}
