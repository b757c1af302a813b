//! How a follower is doing: for metrics, for health, and for whoever has to fix it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use serde::Serialize;
use std::sync::atomic::AtomicU64;
use tradewind_events::{Clock, EventSource, Position, Recorded, Timestamp};

use crate::commands::metrics::seconds;

/// What a follower is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FollowerState {
    /// It has not caught up since it was started.
    CatchingUp,
    /// It is live.
    Live,
    /// It has stopped at an event, or fallen.
    Stopped,
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
        }
    }

    /// A follower that had come to `position` has fallen because of `error`.
    pub(crate) fn fallen(position: Position, error: String) -> Self {
        Self { position, event_id: String::new(), event_type: String::new(), stream: String::new(), error }
    }

    /// Whether there is an event that could be passed over.
    pub(crate) fn is_at_event(&self) -> bool {
        !self.event_id.is_empty()
    }
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
    /// How far the one that is being built beside it has come.
    pub rebuilding: Option<Position>,
    /// At which event the one that is being built has stopped.
    pub rebuild_stopped: Option<Stopped>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct FollowerLabels {
    kind: &'static str,
    name: String,
}

/// The figures of all followers of a service.
#[derive(Clone)]
pub(crate) struct FollowerMetrics {
    lag_events: Family<FollowerLabels, Gauge>,
    lag_seconds: Family<FollowerLabels, Gauge<f64, AtomicU64>>,
    position: Family<FollowerLabels, Gauge>,
    handled: Family<FollowerLabels, Counter>,
    rebuilds: Family<FollowerLabels, Counter>,
    stopped: Family<FollowerLabels, Gauge>,
    delay: Family<FollowerLabels, Histogram, fn() -> Histogram>,
}

impl Default for FollowerMetrics {
    fn default() -> Self {
        Self {
            lag_events: Family::default(),
            lag_seconds: Family::default(),
            position: Family::default(),
            handled: Family::default(),
            rebuilds: Family::default(),
            stopped: Family::default(),
            delay: Family::new_with_constructor(seconds as fn() -> Histogram),
        }
    }
}

impl FollowerMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("follower_lag_events", "Events of the source not yet passed", self.lag_events.clone());
        let help = "Age of the last event handled, while others wait; zero when caught up";
        registry.register("follower_lag_seconds", help, self.lag_seconds.clone());
        registry.register("follower_position", "Position up to which everything is handled", self.position.clone());
        registry.register("follower_events", "Events handled", self.handled.clone());
        registry.register("follower_rebuilds", "Rebuilds finished", self.rebuilds.clone());
        registry.register("follower_stopped", "1 while stopped at an event", self.stopped.clone());
        let help = "From an event's recording to its effect, for live events";
        registry.register("follower_delay_seconds", help, self.delay.clone());
    }
}

/// One follower's state, which it writes and others read.
pub(crate) struct Status {
    inner: Mutex<Inner>,
    labels: FollowerLabels,
    metrics: FollowerMetrics,
    clock: Arc<dyn Clock>,
}

struct Inner {
    status: FollowerStatus,
    /// When the store recorded the last event that was handled.
    last_recorded_at: Option<Timestamp>,
    once_caught_up: bool,
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
            rebuilding: None,
            rebuild_stopped: None,
        };
        let inner = Mutex::new(Inner { status, last_recorded_at: None, once_caught_up: false });
        let labels = FollowerLabels { kind, name: name.to_owned() };
        metrics.stopped.get_or_create(&labels).set(0);
        Arc::new(Self { inner, labels, metrics, clock })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn name(&self) -> &str {
        &self.labels.name
    }

    pub(crate) fn read(&self) -> FollowerStatus {
        self.lock().status.clone()
    }

    /// Whether it has caught up once, or has stopped and waits for somebody: in both cases waiting longer for it to
    /// become ready is no use. One that has fallen is a fault of the service, which is then not ready.
    pub(crate) fn is_settled(&self) -> bool {
        let inner = self.lock();
        match &inner.status.stopped {
            Some(stopped) => stopped.is_at_event(),
            None => inner.once_caught_up,
        }
    }

    pub(crate) fn handled(&self, position: Position, events: &[Recorded]) {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.status.position = position;
        inner.status.handled += events.len() as u64;
        inner.last_recorded_at = events.last().map(Recorded::recorded_at).or(inner.last_recorded_at);
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
        if inner.status.state == FollowerState::CatchingUp {
            inner.status.state = FollowerState::Live;
        }
    }

    /// It answers with what it had when the service went down last, and need not be waited for.
    pub(crate) fn answers_already(&self) {
        self.lock().once_caught_up = true;
    }

    /// It has come this far, by another way than handling events here.
    pub(crate) fn moved_to(&self, position: Position) {
        self.lock().status.position = position;
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
            code = %tradewind_events::ErrorCode::POISON_EVENT,
            follower = self.name(), position = %stopped.position, event_type = stopped.event_type,
            stream = stopped.stream, error = stopped.error,
            "{why}"
        );
        let mut inner = self.lock();
        inner.status.state = FollowerState::Stopped;
        inner.status.stopped = Some(stopped);
        self.metrics.stopped.get_or_create(&self.labels).set(1);
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
        self.metrics.rebuilds.get_or_create(&self.labels).inc();
    }

    /// Looks at how far the source is ahead.
    pub(crate) async fn sample(&self, source: &dyn EventSource) {
        let Ok(Ok(head)) = tokio::time::timeout(Duration::from_secs(2), source.head()).await else { return };
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.status.head = head;
        inner.status.lag_events = head.0.saturating_sub(inner.status.position.0);
        let waiting = inner.status.lag_events > 0;
        let age = inner.last_recorded_at.filter(|_| waiting).map_or(Duration::ZERO, |at| now.since(at));
        self.metrics.lag_events.get_or_create(&self.labels).set(inner.status.lag_events as i64);
        self.metrics.lag_seconds.get_or_create(&self.labels).set(age.as_secs_f64());
    }
}
