//! A service's running process, and those who read what it writes.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::process::Child;
use tokio::task::JoinHandle;

use crate::fleet::Shared;
use crate::output::Lines;
use crate::{FleetEvent, LogLine, Output};

/// How long a process that has ended may take to be read to its end: one that left its group may hold the pipe open.
const LAST_LINES_WITHIN: Duration = Duration::from_secs(1);

/// A running process.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) pid: u32,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Takes over a process of the instance with this index, and tells every line that it writes.
    pub(crate) fn of(mut child: Child, shared: &Arc<Shared>, index: usize) -> Self {
        let stdout = child.stdout.take().map(|pipe| tokio::spawn(follow(pipe, Output::Stdout, shared, index)));
        let stderr = child.stderr.take().map(|pipe| tokio::spawn(follow(pipe, Output::Stderr, shared, index)));
        let pid = child.id().unwrap_or(0);
        Self { child, pid, readers: stdout.into_iter().chain(stderr).collect() }
    }

    /// Takes the last lines in.
    pub(crate) async fn finish_output(self) {
        for mut reader in self.readers {
            if tokio::time::timeout(LAST_LINES_WITHIN, &mut reader).await.is_err() {
                reader.abort();
            }
        }
    }
}

fn follow<R: AsyncRead + Unpin + Send>(
    pipe: R,
    output: Output,
    shared: &Arc<Shared>,
    index: usize,
) -> impl Future<Output = ()> + Send + use<R> {
    let shared = Arc::clone(shared);
    async move {
        let slot = &shared.slots[index];
        let mut lines = Lines::of(pipe);
        while let Some(text) = lines.next().await {
            slot.keep_line(&text);
            let at = shared.options.clock.now();
            shared.tell(FleetEvent::Log(LogLine { at, instance: slot.instance.clone(), output, text }));
        }
    }
}
