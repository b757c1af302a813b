//! How a follower is doing: for metrics, for health, and for whoever has to fix it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::MissedTickBehavior;
use tokio_util::task::AbortOnDropHandle;
use tradewind_events::{Clock, ErrorCode, EventSource, Position, Recorded, Timestamp};

use super::metrics::{FollowerLabels, FollowerMetrics, Meter};
use crate::reaction::CountedAside;
use crate::shared::LeaseStatus;

/// How often it is looked at how far a follower is behind, and how long that may take.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
const SAMPLE_MAX: Duration = Duration::from_secs(2);

/// What a follower is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FollowerState {
    /// It has not caught up since it was started.
    CatchingUp,
    /// It is live.
    Live,
    /// Something that it needs for every event is down: it waits, and tries one event now and then.
    Paused,
    /// It has stopped at an event, or fallen.
    Stopped,
    /// Another instance of the service does it, and this one would take over.
    Standby,
}

/// An event that could not be handled, and why; or, without an event, why its follower has fallen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// Where the event is recorded; for one that has fallen, how far it had come.
    pub position: Position,
    /// Its id; empty if there is no event.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// Its stream.
    pub stream: String,
    /// Why it could not be handled.
    pub error: String,
    /// The stable code of that.
    pub code: ErrorCode,
}

impl Stopped {
    /// `event` cannot be handled because of `error`.
    pub(crate) fn at(event: &Recorded, error: String) -> Self {
        Self {
            position: event.position(),
            event_id: event.id().to_string(),
            event_type: event.event_type().to_owned(),
            stream: event.stream().to_owned(),
            error,
            code: ErrorCode::POISON_EVENT,
        }
    }

    /// The same for another reason than that the event cannot be handled.
    pub(crate) fn with_code(self, code: ErrorCode) -> Self {
        Self { code, ..self }
    }

    /// A follower that had come to `position` has fallen because of `error`.
    pub(crate) fn fallen(position: Position, error: String) -> Self {
        let (event_id, event_type, stream) = Default::default();
        Self { position, event_id, event_type, stream, error, code: ErrorCode::POISON_EVENT }
    }

    /// Whether there is an event that could be passed over.
    pub(crate) fn is_at_event(&self) -> bool {
        !self.event_id.is_empty()
    }
}

/// That nothing works, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Paused {
    /// Since when.
    pub since: Timestamp,
    /// What the last event said that failed.
    pub why: String,
    /// How often one was tried.
    pub probes: u32,
}

/// A timer that could not be handled. It waits until it is tried again, by somebody or by the next start, or skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedTimer {
    /// The instance of the process manager whose it is.
    pub instance: String,
    /// Its name.
    pub name: String,
    /// When it ran out.
    pub due: Timestamp,
    /// Why it could not be handled.
    pub error: String,
}

/// How a projection, a reaction or a process manager is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FollowerStatus {
    /// Its name.
    pub name: String,
    /// `projection`, `reaction` or `process`.
    pub kind: &'static str,
    /// The version of its schema; 1 for what has none.
    pub version: u32,
    /// What it is doing.
    pub state: FollowerState,
    /// Up to where it has handled everything.
    pub position: Position,
    /// The source's last position, when it was last looked at.
    pub head: Position,
    /// How many events of the source it has yet to pass.
    pub lag_events: u64,
    /// How many events it has handled since it was started.
    pub handled: u64,
    /// At which event it has stopped.
    pub stopped: Option<Stopped>,
    /// Why it waits, if it does.
    pub paused: Option<Paused>,
    /// What it has set aside, while it goes on with everything else.
    pub aside: CountedAside,
    /// How far the one that is being built beside it has come.
    pub rebuilding: Option<Position>,
    /// At which event the one that is being built has stopped.
    pub rebuild_stopped: Option<Stopped>,
    /// The first of its timers that could not be handled.
    pub failed_timers: Vec<FailedTimer>,
    /// Who does it, if the instances of the service share it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseStatus>,
}

/// One follower's state, which it writes and others read.
pub(crate) struct Status {
    inner: Mutex<Inner>,
    labels: FollowerLabels,
    metrics: FollowerMetrics,
    meter: Meter,
    clock: Arc<dyn Clock>,
}

struct Inner {
    status: FollowerStatus,
    /// Since when events have waited without a break.
    behind_since: Option<Timestamp>,
    once_caught_up: bool,
    /// Whether it has nothing that could be asked, until what is built is there.
    answers_nothing: bool,
}

impl Inner {
    /// Whoever has passed all that was known to wait has broken the wait: what comes next waits from when it is seen.
    fn moved_to(&mut self, position: Position) {
        self.status.position = position;
        self.status.lag_events = self.status.head.0.saturating_sub(position.0);
        self.behind_since = self.behind_since.filter(|_| self.status.lag_events > 0);
    }
}

impl Status {
    pub(crate) fn new(
        kind: &'static str,
        name: &str,
        version: u32,
        metrics: FollowerMetrics,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let status = FollowerStatus {
            name: name.to_owned(),
            kind,
            version,
            state: FollowerState::CatchingUp,
            position: Position::START,
            head: Position::START,
            lag_events: 0,
            handled: 0,
            stopped: None,
            paused: None,
            aside: CountedAside::default(),
            rebuilding: None,
            rebuild_stopped: None,
            failed_timers: Vec::new(),
            lease: None,
        };
        let inner = Mutex::new(Inner { status, behind_since: None, once_caught_up: false, answers_nothing: false });
        let labels = FollowerLabels { kind, name: name.to_owned() };
        metrics.stopped.get_or_create(&labels).set(0);
        let meter = metrics.meter(&labels);
        Arc::new(Self { inner, labels, metrics, meter, clock })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn name(&self) -> &str {
        &self.labels.name
    }

    pub(crate) fn read(&self) -> FollowerStatus {
        let mut status = self.lock().status.clone();
        let could_work = matches!(status.state, FollowerState::CatchingUp | FollowerState::Live);
        if status.paused.is_some() && could_work {
            status.state = FollowerState::Paused;
        }
        status
    }

    /// Whether it has caught up once, or has stopped and waits for somebody, or pauses because of somebody else: in all
    /// these cases waiting longer for it to become ready is no use. One that has fallen is a fault of the service, which is then not ready.
    pub(crate) fn is_settled(&self) -> bool {
        let inner = self.lock();
        match &inner.status.stopped {
            Some(stopped) => stopped.is_at_event(),
            // What another instance does need not be waited for here, unless there is nothing yet that answers.
            None if inner.status.state == FollowerState::Standby => {
                let is_held = inner.status.lease.as_ref().is_some_and(|lease| lease.holder.is_some());
                inner.once_caught_up || (is_held && !inner.answers_nothing)
            }
            None => inner.once_caught_up || inner.status.paused.is_some(),
        }
    }

    pub(crate) fn handled(&self, position: Position, events: &[Recorded]) {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.moved_to(position);
        inner.status.handled += events.len() as u64;
        if inner.status.state == FollowerState::Live
            && let Some(last) = events.last()
        {
            let delay = now.since(last.recorded_at()).as_secs_f64();
            self.metrics.delay.get_or_create(&self.labels).observe(delay);
        }
        self.metrics.position.get_or_create(&self.labels).set(position.0 as i64);
        self.metrics.handled.get_or_create(&self.labels).inc_by(events.len() as u64);
    }

    pub(crate) fn caught_up(&self) {
        let mut inner = self.lock();
        inner.once_caught_up = true;
        inner.behind_since = None;
        if inner.status.state == FollowerState::CatchingUp {
            inner.status.state = FollowerState::Live;
        }
    }

    /// It answers with what it had when the service went down last, and need not be waited for.
    pub(crate) fn answers_already(&self) {
        let mut inner = self.lock();
        inner.once_caught_up |= !inner.answers_nothing;
    }

    /// Another instance does it.
    pub(crate) fn stands_by(&self) {
        let mut inner = self.lock();
        inner.status.state = FollowerState::Standby;
        inner.status.stopped = None;
        self.metrics.stopped.get_or_create(&self.labels).set(0);
    }

    /// Who does it now, as far as is known.
    pub(crate) fn leased(&self, lease: LeaseStatus) {
        let mut inner = self.lock();
        self.metrics.held.get_or_create(&self.labels).set(lease.here.into());
        if lease.here && !inner.status.lease.as_ref().is_some_and(|known| known.here) {
            self.metrics.taken_over.get_or_create(&self.labels).inc();
        }
        inner.status.lease = Some(lease);
    }

    /// What other instances share with it can be asked with today's questions, and is of this version.
    pub(crate) fn shows(&self, version: u32, is_of_today: bool) {
        let mut inner = self.lock();
        inner.status.version = version;
        inner.answers_nothing = !is_of_today;
    }

    /// What it has can be asked.
    pub(crate) fn answers_again(&self) {
        self.lock().answers_nothing = false;
    }

    /// What it had cannot be asked any more.
    pub(crate) fn answers_nothing(&self) {
        self.lock().answers_nothing = true;
    }

    /// It has come this far, by another way than handling events here.
    pub(crate) fn moved_to(&self, position: Position) {
        self.lock().moved_to(position);
    }

    /// Another instance has come this far with it; nothing is known by this if it is this one's own.
    pub(crate) fn seen_at(&self, position: Position) {
        let mut inner = self.lock();
        if inner.status.state == FollowerState::Standby {
            inner.moved_to(position);
            self.metrics.position.get_or_create(&self.labels).set(position.0 as i64);
        }
    }

    pub(crate) fn started(&self) {
        let mut inner = self.lock();
        inner.status.state = FollowerState::CatchingUp;
        inner.status.stopped = None;
        self.metrics.stopped.get_or_create(&self.labels).set(0);
    }

    /// It has fallen, and does nothing until it is tried again or the service is started again.
    pub(crate) fn fell(&self, error: String) {
        let position = self.lock().status.position;
        self.stopped(Stopped::fallen(position, error));
    }

    pub(crate) fn stopped(&self, stopped: Stopped) {
        let why = if stopped.is_at_event() { "stopped at an event that cannot be handled" } else { "fell" };
        tracing::error!(
            code = %stopped.code,
            follower = self.name(), position = %stopped.position, event_type = stopped.event_type,
            stream = stopped.stream, error = stopped.error,
            "{why}"
        );
        let mut inner = self.lock();
        inner.status.state = FollowerState::Stopped;
        inner.status.stopped = Some(stopped);
        self.metrics.stopped.get_or_create(&self.labels).set(1);
    }

    /// An event could not be met, and its key is parked.
    pub(crate) fn parked(&self, key: &str, event: &Recorded, failure: &str, error: &str) {
        tracing::error!(
            code = %ErrorCode::POISON_EVENT,
            follower = self.name(), key, position = %event.position(), event_type = event.event_type(),
            stream = event.stream(), failure, error,
            "parked a key at an event that cannot be handled; others go on"
        );
    }

    /// So much is set aside now.
    pub(crate) fn set_aside(&self, counted: CountedAside) {
        self.lock().status.aside = counted;
        self.meter.set_aside(&counted);
    }

    /// Nothing works, or something does again.
    pub(crate) fn paused(&self, paused: Option<Paused>) {
        let mut inner = self.lock();
        match (&inner.status.paused, &paused) {
            (None, Some(Paused { why, .. })) => {
                tracing::warn!(follower = self.name(), why, "paused: nothing that it tries succeeds");
            }
            (Some(_), None) => tracing::info!(follower = self.name(), "goes on after a pause"),
            _ => {}
        }
        self.meter.paused.set(paused.is_some().into());
        inner.status.paused = paused;
    }

    /// An event was met, with success or without; it took so long.
    pub(crate) fn met(&self, took: Duration) {
        self.meter.attempts.inc();
        self.meter.handle.observe(took.as_secs_f64());
    }

    /// A key is tried again.
    pub(crate) fn retried(&self) {
        self.meter.retries.inc();
    }

    pub(crate) fn rebuilding(&self, position: Option<Position>, stopped: Option<Stopped>) {
        if let Some(stopped) = &stopped {
            tracing::error!(follower = self.name(), position = %stopped.position, error = stopped.error,
                "the rebuild stopped at an event that cannot be handled; the old read model goes on");
        }
        let mut inner = self.lock();
        inner.status.rebuilding = position;
        inner.status.rebuild_stopped = stopped;
    }

    pub(crate) fn rebuilt(&self, version: u32, position: Position) {
        let mut inner = self.lock();
        inner.status.version = version;
        inner.status.position = position;
        inner.status.rebuilding = None;
        inner.status.rebuild_stopped = None;
        inner.answers_nothing = false;
        self.metrics.rebuilds.get_or_create(&self.labels).inc();
    }

    pub(crate) fn timers_failed(&self, timers: Vec<FailedTimer>) {
        self.metrics.failed_timers.get_or_create(&self.labels).set(timers.len() as i64);
        self.lock().status.failed_timers = timers;
    }

    /// Looks now and then at how far the source is ahead, until what this returns is dropped. It is a task of its
    /// own, since a source may take its time to tell and must hold nobody up.
    pub(crate) fn keep_sampling(self: &Arc<Self>, source: Arc<dyn EventSource>) -> AbortOnDropHandle<()> {
        let status = self.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(SAMPLE_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if let Ok(Ok(head)) = tokio::time::timeout(SAMPLE_MAX, source.head()).await {
                    status.sampled(head);
                }
            }
        }))
    }

    fn sampled(&self, head: Position) {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.status.head = head;
        inner.status.lag_events = head.0.saturating_sub(inner.status.position.0);
        inner.behind_since = inner.behind_since.or(Some(now)).filter(|_| inner.status.lag_events > 0);
        let waited = inner.behind_since.map_or(Duration::ZERO, |since| now.since(since));
        self.metrics.lag_events.get_or_create(&self.labels).set(inner.status.lag_events as i64);
        self.metrics.lag_seconds.get_or_create(&self.labels).set(waited.as_secs_f64());
    }
}
