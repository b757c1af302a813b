//! The parts of a service that run beside its requests, and which of them have fallen.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_core::future::BoxFuture;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

type Run = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// A part of a service that runs until it is told to stop.
pub(super) struct Part {
    name: String,
    run: Run,
}

impl Part {
    pub(super) fn new<F>(name: impl Into<String>, run: impl FnOnce(CancellationToken) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { name: name.into(), run: Box::new(|stop| Box::pin(run(stop))) }
    }
}

/// The names of those that have fallen: what they did is done no more until the service is started again. Why they
/// fell is in the log. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Fallen(Arc<Mutex<Vec<String>>>);

impl Fallen {
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, name: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    }
}

/// All parts at work.
pub(super) struct Parts {
    tasks: JoinSet<()>,
    names: HashMap<Id, String>,
    fallen: Fallen,
}

impl Parts {
    pub(super) fn start(parts: Vec<Part>, fallen: Fallen, stop: &CancellationToken) -> Self {
        let (mut tasks, mut names) = (JoinSet::new(), HashMap::new());
        for Part { name, run } in parts {
            // Inside the task, so that it makes no difference whether it falls before it waits for the first time.
            let stop = stop.clone();
            let started = tasks.spawn(async move { run(stop).await });
            names.insert(started.id(), name);
        }
        Self { tasks, names, fallen }
    }

    /// Waits for the next one to end, and notes if it fell; false when there is none any more.
    pub(super) async fn next_end(&mut self) -> bool {
        let Some(ended) = self.tasks.join_next().await else { return false };
        if let Err(error) = ended {
            let name = self.names.remove(&error.id()).unwrap_or_default();
            let error = error.try_into_panic().map_or_else(|error| error.to_string(), |panic| words(&*panic));
            tracing::error!(part = name, error, "a part of the service fell; restart the service to go on");
            self.fallen.add(name);
        }
        true
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}
