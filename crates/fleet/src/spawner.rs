//! The thread that starts processes.
//!
//! Linux sends the "parent died" signal when the *thread* that forked ends (prctl(2)), and the runtime's threads
//! come and go. So one thread starts all processes and lives as long as the fleet.

use std::io;
use std::sync::Arc;

use tokio::process::Child;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::child::Launch;

/// Starts processes on a thread of its own. They are killed when the last clone of it is gone.
#[derive(Debug, Clone)]
pub(crate) struct Spawner(Arc<mpsc::Sender<Request>>);

type Request = (Launch, oneshot::Sender<io::Result<Child>>);

impl Spawner {
    /// Starts the thread. Needs a runtime around it.
    pub(crate) fn start() -> io::Result<Self> {
        let (requests, mut inbox) = mpsc::channel::<Request>(64);
        let runtime = Handle::current();
        std::thread::Builder::new().name("fleet-spawner".to_owned()).spawn(move || {
            while let Some((launch, reply)) = inbox.blocking_recv() {
                let _inside = runtime.enter();
                let started = launch.command().and_then(|mut command| command.spawn());
                // Nobody waits any more: the child is dropped here, which kills it.
                drop(reply.send(started));
            }
        })?;
        Ok(Self(Arc::new(requests)))
    }

    /// Starts one process.
    pub(crate) async fn spawn(&self, launch: Launch) -> io::Result<Child> {
        let gone = || io::Error::other("the thread that starts processes has ended");
        let (reply, started) = oneshot::channel();
        self.0.send((launch, reply)).await.map_err(|_| gone())?;
        started.await.map_err(|_| gone())?
    }
}
