//! Who in this instance wants which lease, and has it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::SharedDatabase;
use crate::follow::{ControlError, Request, Status};

/// The group of all leases of which each is for a whole follower. Instances share out each group evenly.
pub(crate) const FOLLOWERS: &str = "followers";
/// What is left of a lease when it is treated as lost if it could not be renewed.
const MARGIN: Duration = Duration::from_millis(250);

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeaseStatus {
    /// What people call the instance that holds it; none, if it is free.
    pub holder: Option<String>,
    /// How often it has changed hands.
    pub epoch: u64,
    /// Whether this instance holds it.
    pub here: bool,
    /// How many instances there are.
    pub instances: usize,
}

/// The place of somebody who wants a lease.
pub(crate) struct Seat {
    database: SharedDatabase,
    name: String,
}

/// The time for which somebody has a lease. Dropped, it is given back: whoever has it must be done by then.
pub(crate) struct Term {
    database: SharedDatabase,
    name: String,
    epoch: i64,
    stop: CancellationToken,
}

/// All seats of an instance.
#[derive(Default)]
pub(super) struct Seats {
    all: Mutex<Vec<Taken>>,
    changed: Notify,
}

struct Taken {
    name: String,
    group: &'static str,
    status: Arc<Status>,
    waiting: Option<Waiting>,
    state: State,
}

/// Somebody who waits for the lease.
struct Waiting {
    granted: oneshot::Sender<(i64, CancellationToken)>,
    shutdown: CancellationToken,
}

enum State {
    /// The instance does not have it.
    Without,
    /// Somebody works.
    Held { epoch: i64, until: Instant, stop: CancellationToken },
    /// Whoever worked is done; the lease is to be given back.
    Done { epoch: i64 },
}

impl SharedDatabase {
    /// A place for whoever wants the lease `name`, one of a group; the status tells who has it.
    pub(crate) fn seat(&self, name: &str, group: &'static str, status: Arc<Status>) -> Seat {
        status.stands_by();
        let taken = Taken { name: name.to_owned(), group, status, waiting: None, state: State::Without };
        self.inner.seats.lock().push(taken);
        Seat { database: self.clone(), name: name.to_owned() }
    }

    /// Whether anybody in this instance wants a lease.
    pub(crate) fn has_seats(&self) -> bool {
        !self.inner.seats.lock().is_empty()
    }
}

impl Seat {
    /// Waits until this instance has the lease. What the term's token is cancelled for need not be told apart: the
    /// service goes down, others are to have the lease, or it is lost.
    pub(crate) async fn next(&self, shutdown: &CancellationToken) -> Term {
        let (granted, grant) = oneshot::channel();
        let waiting = Waiting { granted, shutdown: shutdown.clone() };
        self.database.inner.seats.change(&self.name, |taken| taken.waiting = Some(waiting));
        match grant.await {
            Ok((epoch, stop)) => Term { database: self.database.clone(), name: self.name.clone(), epoch, stop },
            // Nobody keeps leases any more: the service goes down.
            Err(_) => std::future::pending().await,
        }
    }

    /// Who has the lease, for whoever asks something that only the holder can do.
    fn holder(&self) -> Option<String> {
        let seats = self.database.inner.seats.lock();
        let taken = seats.iter().find(|taken| taken.name == self.name)?;
        taken.status.read().lease?.holder
    }
}

/// Waits for the lease, and tells whoever asks something meanwhile to ask the one that has it.
pub(crate) async fn stand_by(
    seat: &Seat,
    requests: &mut mpsc::Receiver<Request>,
    shutdown: &CancellationToken,
) -> Term {
    let mut next = std::pin::pin!(seat.next(shutdown));
    loop {
        tokio::select! {
            term = &mut next => return term,
            Some(request) = requests.recv() => {
                // Whoever asked may have gone.
                let _ = request.reply.send(Err(ControlError::Elsewhere(seat.holder())));
            }
        }
    }
}

impl Term {
    /// The number that is written down where the work is committed.
    pub(crate) fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Cancelled when the work must end.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// What the lease is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn database(&self) -> &SharedDatabase {
        &self.database
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        self.stop.cancel();
        self.database.inner.seats.change(&self.name, |taken| {
            if let State::Held { epoch, .. } = taken.state {
                taken.state = State::Done { epoch };
            }
        });
    }
}

impl Seats {
    fn lock(&self) -> MutexGuard<'_, Vec<Taken>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Taken)) {
        self.of(name, change);
        self.changed.notify_one();
    }

    fn of(&self, name: &str, change: impl FnOnce(&mut Taken)) {
        if let Some(taken) = self.lock().iter_mut().find(|taken| taken.name == name) {
            change(taken);
        }
    }

    /// Waits until somebody is done or begins to wait.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Ends the work under leases that could not be renewed in time.
    pub(super) fn end_overdue(&self) {
        for taken in self.lock().iter() {
            if let State::Held { until, stop, .. } = &taken.state
                && Instant::now() + MARGIN > *until
                && !stop.is_cancelled()
            {
                tracing::warn!(lease = taken.name, "it could not be renewed; ending the work");
                stop.cancel();
            }
        }
    }

    /// Leases to give back.
    pub(super) fn done(&self) -> Vec<(String, i64)> {
        let all = self.lock();
        let done = all.iter().filter_map(|taken| match taken.state {
            State::Done { epoch } => Some((taken.name.clone(), epoch)),
            _ => None,
        });
        done.collect()
    }

    /// These have been given back.
    pub(super) fn given_back(&self, done: &[(String, i64)]) {
        for (name, _) in done {
            self.of(name, |taken| taken.state = State::Without);
        }
    }

    /// Leases under which somebody works.
    pub(super) fn held(&self) -> Vec<(String, i64)> {
        let all = self.lock();
        let held = all.iter().filter_map(|taken| match taken.state {
            State::Held { epoch, .. } => Some((taken.name.clone(), epoch)),
            _ => None,
        });
        held.collect()
    }

    /// Whether nobody works, and nothing is to be given back.
    pub(super) fn hold_nothing(&self) -> bool {
        self.lock().iter().all(|taken| matches!(taken.state, State::Without))
    }

    pub(super) fn renewed(&self, name: &str, renewed: Instant) {
        self.of(name, |taken| {
            if let State::Held { until, .. } = &mut taken.state {
                *until = renewed;
            }
        });
    }

    /// Somebody else has it, or the database does not know it any more.
    pub(super) fn lost(&self, name: &str) {
        self.of(name, |taken| {
            if let State::Held { stop, .. } = &taken.state {
                tracing::warn!(lease = name, "lost");
                stop.cancel();
            }
        });
    }

    pub(super) fn tell(&self, status: impl Fn(&str) -> LeaseStatus) {
        for taken in self.lock().iter() {
            taken.status.leased(status(&taken.name));
        }
    }

    /// All leases that this instance could do something with.
    pub(super) fn names(&self) -> Vec<String> {
        self.lock().iter().map(|taken| taken.name.clone()).collect()
    }

    /// Which free leases this instance should take; if it has more than its part of a group, somebody's work is ended,
    /// so that others can have that. One at a time: until it is given back, others may have come or gone.
    pub(super) fn wish(&self, instances: impl Fn(&str) -> usize, is_free: impl Fn(&str) -> bool) -> Vec<String> {
        let all = self.lock();
        let mut groups: HashMap<&str, Vec<&Taken>> = HashMap::new();
        for taken in all.iter() {
            groups.entry(taken.group).or_default().push(taken);
        }
        let mut take = Vec::new();
        for group in groups.into_values() {
            // Instances of another program need not know all of the group: what they do not know is not left to them.
            let instances = group.iter().map(|taken| instances(&taken.name)).min();
            let part = group.len().div_ceil(instances.unwrap_or(1).max(1));
            let held = group.iter().filter(|taken| !matches!(taken.state, State::Without)).count();
            let wanted = group.iter().filter(|taken| {
                matches!(taken.state, State::Without) && taken.waiting.is_some() && is_free(&taken.name)
            });
            take.extend(wanted.take(part.saturating_sub(held)).map(|taken| taken.name.clone()));
            let ending = group.iter().any(|taken| match &taken.state {
                State::Held { stop, .. } => stop.is_cancelled(),
                State::Done { .. } => true,
                State::Without => false,
            });
            if held > part && !ending {
                let last = group.iter().rev().find_map(|taken| match &taken.state {
                    State::Held { stop, .. } => Some((&taken.name, stop)),
                    _ => None,
                });
                if let Some((name, stop)) = last {
                    tracing::info!(lease = name, "given up, since other instances have fewer");
                    stop.cancel();
                }
            }
        }
        take
    }

    /// This instance has it until then.
    pub(super) fn granted(&self, name: &str, epoch: i64, until: Instant) {
        self.of(name, |taken| {
            taken.state = State::Done { epoch };
            let Some(Waiting { granted, shutdown }) = taken.waiting.take() else { return };
            let stop = shutdown.child_token();
            // Somebody who has gone away meanwhile does not work.
            if granted.send((epoch, stop.clone())).is_ok() {
                taken.state = State::Held { epoch, until, stop };
            }
        });
    }
}
