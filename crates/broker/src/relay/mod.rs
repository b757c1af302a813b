//! The relay: reads what a service tells others, from where it last was, and publishes it in order.
//!
//! The log is the outbox, so there is nothing else to keep: writers never wait for the relay, and while the broker is
//! away what is to be published lies where it always lies. A batch is published as a whole before the next one is
//! read; where the relay is, it asks the broker, and else knows by a small file.

mod metrics;
mod status;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tradewind_events::{Clock, ErrorCode, EventSource, Position, Query, ReadError, Recorded, Subscription};

use crate::backoff::Backoff;
use crate::place::{Place, RelayPlace};
use crate::{Broker, BrokerError, Message, PublishError, Publisher, StartFrom, Topic};

pub use metrics::RelayMetrics;
use status::Status;
pub use status::{RelayHandle, RelayProblem, RelayState, RelayStatus};

/// How a relay works.
#[derive(Debug, Clone)]
pub struct RelayOptions {
    /// Where it publishes.
    pub topic: Topic,
    /// Who tells it: the `source` of the events, as in the service's feed.
    pub source: String,
    /// The file with the position up to which it has published. It serves all brokers, one after the other.
    pub place: PathBuf,
    /// Where it begins if there is no such file, and the broker does not know either.
    pub begin: StartFrom,
    /// The most events in a batch.
    pub batch_events_max: usize,
    /// The most bytes in a batch, if it has more than one event.
    pub batch_bytes_max: usize,
    /// The first pause before trying again; it doubles up to the longest, less up to half of it by chance.
    pub pause_first: Duration,
    /// The longest pause before trying again.
    pub pause_max: Duration,
    /// How long it goes on publishing what is there when the service goes down.
    pub drain_within: Duration,
}

impl RelayOptions {
    /// A relay of a service with the usual bounds.
    pub fn new(topic: Topic, place: impl Into<PathBuf>) -> Self {
        Self {
            source: format!("/{topic}"),
            topic,
            place: place.into(),
            begin: StartFrom::Beginning,
            batch_events_max: 1_024,
            batch_bytes_max: 4 << 20,
            pause_first: Duration::from_millis(50),
            pause_max: Duration::from_secs(5),
            drain_within: Duration::from_secs(5),
        }
    }
}

/// Publishes a source's events; [`Relay::run`] runs it.
pub struct Relay {
    events: Arc<dyn EventSource>,
    broker: Arc<dyn Broker>,
    options: RelayOptions,
    place: Arc<dyn RelayPlace>,
    saved_at: Option<Instant>,
    status: Arc<Status>,
}

/// As what a relay follows its source.
const FOLLOWER: &str = "relay";
/// The file is written at most so often while there is much to publish: what is repeated after a fall is dropped by
/// whoever reads it.
const SAVE_EVERY: Duration = Duration::from_millis(200);

/// Why a session with the broker ended before it was told to.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error("{0}")]
    Broker(#[from] BrokerError),
    #[error("what is to be published cannot be read: {0}")]
    Events(#[from] ReadError),
    #[error(
        "the topic {topic} has events up to {there}, but the log ends at {here}: this is another service's topic, \
        or an older copy of the log"
    )]
    Ahead { topic: Topic, there: Position, here: Position },
    #[error("the relay's place cannot be kept: {0}")]
    Place(#[from] std::io::Error),
}

impl Interrupted {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Broker(error) => error.code(),
            Self::Events(error) => error.code(),
            Self::Ahead { .. } => ErrorCode::AHEAD_OF_LOG,
            Self::Place(_) => ErrorCode::IO,
        }
    }
}

impl Relay {
    /// A relay of `events` to `broker`.
    pub fn new(
        events: Arc<dyn EventSource>,
        broker: Arc<dyn Broker>,
        options: RelayOptions,
        metrics: RelayMetrics,
        clock: Arc<dyn Clock>,
    ) -> (Self, RelayHandle) {
        let status = Status::new(&options.topic, broker.place(), metrics, clock);
        let handle = RelayHandle::of(&status);
        let place = Arc::new(Place::at(&options.place));
        (Self { events, broker, options, place, saved_at: None, status }, handle)
    }

    /// The same, but how far it has published is kept elsewhere: where the next one finds it that does this in its place.
    #[must_use]
    pub fn kept_in(self, place: Arc<dyn RelayPlace>) -> Self {
        Self { place, ..self }
    }

    /// It does nothing until somebody else is done.
    pub fn stands_by(&self) {
        self.status.stands_by();
    }

    /// Runs until told to stop; then it publishes what is there, within its time.
    pub async fn run(mut self, shutdown: CancellationToken) {
        self.run_until(&shutdown, &shutdown).await;
    }

    /// The same until `stop`, by which it may also be told that somebody else does this from now on: only if the service
    /// goes down does it publish what is there.
    pub async fn run_until(&mut self, stop: &CancellationToken, shutdown: &CancellationToken) {
        self.saved_at = None;
        let mut backoff = Backoff::new(self.options.pause_first, self.options.pause_max);
        if let Ok(Some(published)) = self.place.load().await {
            self.status.begins(published);
        }
        let _sampling = self.keep_sampling();
        loop {
            let before = self.status.published();
            // Draining ends by itself within its time; what hangs in a broken connection ends by its own limits.
            let Err(interrupted) = self.session(stop, shutdown).await else { return };
            if stop.is_cancelled() && !shutdown.is_cancelled() {
                return;
            }
            if shutdown.is_cancelled() {
                let (topic, broker) = (&self.options.topic, self.broker.place());
                tracing::warn!(code = %interrupted.code(), %topic, broker, %interrupted, "going down without having \
                    published everything; the next start goes on");
                return;
            }
            if self.status.published() > before {
                backoff.reset();
            }
            self.status.interrupted(interrupted.code(), &interrupted.to_string());
            if stop.run_until_cancelled(tokio::time::sleep(backoff.pause())).await.is_none() {
                return;
            }
        }
    }

    /// Publishes until told to stop, or until something breaks.
    async fn session(&mut self, stop: &CancellationToken, shutdown: &CancellationToken) -> Result<(), Interrupted> {
        let opening = async {
            let publisher = self.broker.publisher(&self.options.topic).await?;
            let begin = self.begin(publisher.last(), publisher.last_is_everywhere()).await?;
            let deliveries = self.events.subscribe(begin, Query::all()).await?;
            Ok::<_, Interrupted>((publisher, begin, deliveries))
        };
        let Some(opened) = stop.run_until_cancelled(opening).await else { return Ok(()) };
        let (mut publisher, begin, mut deliveries) = opened?;
        self.status.connected(begin);
        loop {
            let Some(gathered) = stop.run_until_cancelled(self.gather(&mut deliveries)).await else { break };
            self.publish(&mut *publisher, &gathered?).await?;
        }
        if !shutdown.is_cancelled() {
            return self.save(true).await;
        }
        self.drain(&mut *publisher, &mut deliveries).await
    }

    /// Behind which event to go on: the broker knows best, else the file. What a broker has on its topic and perhaps not
    /// in all queues is published again, from what was confirmed on: the file never has more than that.
    async fn begin(&self, last: Option<Position>, is_everywhere: bool) -> Result<Position, Interrupted> {
        let here = self.events.head().await?;
        let begin = match (last, self.place.load().await?) {
            (Some(last), Some(confirmed)) if !is_everywhere => last.min(confirmed),
            (Some(last), _) => last,
            (None, Some(published)) => published,
            (None, None) => match self.options.begin {
                StartFrom::Beginning => Position::START,
                StartFrom::Now => here,
            },
        };
        if begin > here {
            return Err(Interrupted::Ahead { topic: self.options.topic.clone(), there: begin, here });
        }
        Ok(begin)
    }

    /// The next events, together with those that are there already.
    async fn gather(&self, deliveries: &mut Subscription) -> Result<Vec<Recorded>, Interrupted> {
        let ended = || ReadError::Unavailable("the subscription ended".to_owned());
        let mut all = deliveries.next().await.ok_or_else(ended)??.events;
        while all.len() < self.options.batch_events_max {
            // An error or an end that comes now comes again when it is asked for next.
            let Some(Some(Ok(next))) = deliveries.next().now_or_never() else { break };
            all.extend(next.events);
        }
        Ok(all)
    }

    async fn publish(&mut self, publisher: &mut dyn Publisher, events: &[Recorded]) -> Result<(), Interrupted> {
        let mut rest = events;
        while !rest.is_empty() {
            let batch = self.batch(rest);
            let begun = Instant::now();
            let outcome = publisher.publish(&batch).await;
            let confirmed = match &outcome {
                Ok(()) => batch.len(),
                Err(PublishError { confirmed, .. }) => *confirmed,
            };
            self.status.confirmed(&rest[..confirmed], begun.elapsed());
            self.save(outcome.is_err()).await?;
            outcome.map_err(|error| error.error)?;
            rest = &rest[batch.len()..];
        }
        Ok(())
    }

    /// The first of some events as messages, as many as a batch may have.
    fn batch(&self, events: &[Recorded]) -> Vec<Message> {
        let (mut batch, mut bytes) = (Vec::with_capacity(events.len().min(self.options.batch_events_max)), 0);
        let mut previous = self.status.published();
        for event in events.iter().take(self.options.batch_events_max) {
            let message = Message::of(event, &self.options.source, previous);
            bytes += message.json.len();
            if bytes > self.options.batch_bytes_max && !batch.is_empty() {
                break;
            }
            previous = message.position;
            batch.push(message);
        }
        batch
    }

    async fn save(&mut self, now: bool) -> Result<(), Interrupted> {
        let due = self.saved_at.is_none_or(|saved| saved.elapsed() >= SAVE_EVERY);
        let published = self.status.published();
        if (due || now) && published > Position::START {
            self.place.save(published).await?;
            self.saved_at = Some(Instant::now());
            // A source that keeps things for whoever has not had them, as an outbox does, need not keep these for us.
            self.events.handled(FOLLOWER, published);
        }
        Ok(())
    }

    /// Publishes what was there when it was told to stop.
    async fn drain(&mut self, publisher: &mut dyn Publisher, deliveries: &mut Subscription) -> Result<(), Interrupted> {
        self.status.draining();
        let within = self.options.drain_within;
        let draining = async {
            let until = self.events.head().await?;
            let mut through = Position::START;
            while through < until && self.status.published() < until {
                let next = deliveries.next().await;
                let next = next.ok_or_else(|| ReadError::Unavailable("the subscription ended".to_owned()))??;
                self.publish(publisher, &next.events).await?;
                through = next.through;
                if next.caught_up {
                    break;
                }
            }
            Ok::<_, Interrupted>(())
        };
        let outcome = tokio::time::timeout(within, draining).await;
        self.save(true).await?;
        outcome.unwrap_or_else(|_| Err(BrokerError::Timeout(within.as_millis() as u64).into()))
    }

    /// Looks now and then at how much waits to be published. It is a task of its own, since a broker that is away must
    /// not hide it.
    fn keep_sampling(&self) -> AbortOnDropHandle<()> {
        let (status, events) = (Arc::clone(&self.status), Arc::clone(&self.events));
        AbortOnDropHandle::new(tokio::spawn(async move { status::sample(&status, &*events).await }))
    }
}
