//! How a relay is doing: for metrics, for health, and for whoever has to fix it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::MissedTickBehavior;
use tradewind_events::{Clock, ErrorCode, EventSource, Position, Query, Recorded, Timestamp};

use super::metrics::{RelayMetrics, TopicLabels};
use crate::Topic;

/// How often it is looked at how much waits, and how long that may take.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
const SAMPLE_MAX: Duration = Duration::from_secs(5);

/// What a relay is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelayState {
    /// It has not reached the broker since it was started.
    Connecting,
    /// It publishes what comes.
    Publishing,
    /// The broker does not take events; it tries again.
    Interrupted,
    /// It publishes what is left, and ends.
    Draining,
    /// Another instance of the service publishes, and this one would take over.
    Standby,
}

/// Why a relay does not get on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RelayProblem {
    /// The stable code.
    pub code: ErrorCode,
    /// What is wrong.
    pub message: String,
    /// Since when, without a break.
    pub since: Timestamp,
}

/// How a relay is doing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RelayStatus {
    /// Where it publishes.
    pub topic: String,
    /// The broker, without credentials.
    pub broker: String,
    /// What it is doing.
    pub state: RelayState,
    /// The position of the last event that the broker has confirmed.
    pub published: Position,
    /// Positions of the log behind that one, if there is anything to publish among them.
    pub lag_events: u64,
    /// For how long the oldest of them has waited.
    pub lag_seconds: f64,
    /// How many events the broker has confirmed since the relay was started.
    pub events: u64,
    /// How often it broke off since then.
    pub interruptions: u64,
    /// Why it does not get on, if it does not.
    pub problem: Option<RelayProblem>,
}

/// Looks at a relay. Cheap to clone.
#[derive(Clone)]
pub struct RelayHandle {
    status: Arc<Status>,
}

impl RelayHandle {
    pub(super) fn of(status: &Arc<Status>) -> Self {
        Self { status: Arc::clone(status) }
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> RelayStatus {
        self.status.lock().clone()
    }
}

pub(super) struct Status {
    inner: Mutex<RelayStatus>,
    labels: TopicLabels,
    metrics: RelayMetrics,
    clock: Arc<dyn Clock>,
}

impl Status {
    pub(super) fn new(topic: &Topic, broker: &str, metrics: RelayMetrics, clock: Arc<dyn Clock>) -> Arc<Self> {
        let labels = TopicLabels { topic: topic.to_string() };
        metrics.connected.get_or_create(&labels).set(0);
        let status = RelayStatus {
            topic: topic.to_string(),
            broker: broker.to_owned(),
            state: RelayState::Connecting,
            published: Position::START,
            lag_events: 0,
            lag_seconds: 0.0,
            events: 0,
            interruptions: 0,
            problem: None,
        };
        Arc::new(Self { inner: Mutex::new(status), labels, metrics, clock })
    }

    fn lock(&self) -> MutexGuard<'_, RelayStatus> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn published(&self) -> Position {
        self.lock().published
    }

    /// Where it was when the service went down last.
    pub(super) fn begins(&self, published: Position) {
        self.lock().published = published;
    }

    pub(super) fn connected(&self, begin: Position) {
        let mut status = self.lock();
        let (topic, broker) = (&status.topic, &status.broker);
        match &status.problem {
            Some(problem) => {
                let away_ms = self.clock.now().since(problem.since).as_millis() as u64;
                tracing::info!(topic, broker, %begin, away_ms, "the broker is back; publishing goes on");
            }
            None => tracing::info!(topic, broker, %begin, "publishing"),
        }
        status.published = begin;
        status.state = RelayState::Publishing;
        status.problem = None;
        self.metrics.connected.get_or_create(&self.labels).set(1);
        self.metrics.position.get_or_create(&self.labels).set(begin.0 as i64);
    }

    pub(super) fn confirmed(&self, events: &[Recorded], took: Duration) {
        let Some(last) = events.last() else { return };
        let now = self.clock.now();
        let delays = self.metrics.delay_seconds.get_or_create(&self.labels);
        for event in events {
            delays.observe(now.since(event.recorded_at()).as_secs_f64());
        }
        drop(delays);
        self.metrics.publish_seconds.get_or_create(&self.labels).observe(took.as_secs_f64());
        self.metrics.published.get_or_create(&self.labels).inc_by(events.len() as u64);
        self.metrics.position.get_or_create(&self.labels).set(last.position().0 as i64);
        let mut status = self.lock();
        status.published = last.position();
        status.events += events.len() as u64;
    }

    pub(super) fn stands_by(&self) {
        let mut status = self.lock();
        status.state = RelayState::Standby;
        status.problem = None;
        (status.lag_events, status.lag_seconds) = (0, 0.0);
        self.metrics.connected.get_or_create(&self.labels).set(0);
        self.metrics.lag_events.get_or_create(&self.labels).set(0);
        self.metrics.lag_seconds.get_or_create(&self.labels).set(0.0);
    }

    pub(super) fn draining(&self) {
        self.lock().state = RelayState::Draining;
    }

    pub(super) fn interrupted(&self, code: ErrorCode, message: &str) {
        let mut status = self.lock();
        let known = status.problem.as_ref().is_some_and(|problem| problem.message == message);
        if !known {
            tracing::warn!(%code, topic = status.topic, broker = status.broker, problem = message, "publishing is interrupted; \
                trying again, and nothing is lost");
        }
        let since = status.problem.as_ref().map_or_else(|| self.clock.now(), |problem| problem.since);
        status.problem = Some(RelayProblem { code, message: message.to_owned(), since });
        status.state = RelayState::Interrupted;
        status.interruptions += 1;
        self.metrics.connected.get_or_create(&self.labels).set(0);
        self.metrics.interruptions.get_or_create(&self.labels).inc();
    }

    fn lags(&self, events: u64, seconds: f64) {
        let mut status = self.lock();
        (status.lag_events, status.lag_seconds) = (events, seconds);
        self.metrics.lag_events.get_or_create(&self.labels).set(i64::try_from(events).unwrap_or(i64::MAX));
        self.metrics.lag_seconds.get_or_create(&self.labels).set(seconds);
    }
}

/// Looks at how much waits, for ever.
pub(super) async fn sample(status: &Status, events: &dyn EventSource) {
    let mut ticks = tokio::time::interval(SAMPLE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let all = Query::all();
    loop {
        ticks.tick().await;
        let published = status.published();
        let looking = tokio::time::timeout(SAMPLE_MAX, events.read(published, &all, 1));
        let Ok(Ok(page)) = looking.await else { continue };
        match page.events.first() {
            Some(oldest) => {
                let waited = status.clock.now().since(oldest.recorded_at());
                // Counted from where it is now: what came through meanwhile waits no more.
                let published = status.published();
                if oldest.position() > published {
                    status.lags(page.head.0.saturating_sub(published.0), waited.as_secs_f64());
                } else {
                    status.lags(0, 0.0);
                }
            }
            None => status.lags(0, 0.0),
        }
    }
}
