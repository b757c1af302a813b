//! Ctrl-C and its like.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels `drain` at the first SIGINT, SIGTERM or SIGHUP, and `kill` at the second.
pub(crate) fn listen(drain: CancellationToken, kill: CancellationToken) -> io::Result<()> {
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
