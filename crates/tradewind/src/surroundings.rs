//! What a process has around it: Ctrl-C and its like, and somewhere to log to.

use std::io::{self, IsTerminal};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Cancels `drain` at the first SIGINT, SIGTERM or SIGHUP, and `kill` at the second.
pub(crate) fn on_signals(drain: CancellationToken, kill: CancellationToken) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        for step in [drain, kill] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            step.cancel();
        }
    });
    Ok(())
}

/// Sends this process's log to standard error: for a person on a terminal, else as JSON. `RUST_LOG` chooses what.
pub(crate) fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // It fails only if a log was started before, which is as good.
    let _ = if io::stderr().is_terminal() { log.try_init() } else { log.json().try_init() };
}
