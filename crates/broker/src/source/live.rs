//! One follower's events: from the feed until it has caught up, then from the broker, with the feed for what the
//! broker does not have.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tradewind_events::{Delivery, ErrorCode, Page, Position, Query, ReadError};

use super::Ends;
use super::metrics::GroupMetrics;
use crate::backoff::Backoff;
use crate::{BrokerError, Consumer, Delivered, Group, Receipt, StartFrom, Subscribe};

/// How many events are asked of the feed at once.
const PAGE_EVENTS: usize = 1_024;

pub(super) struct Live {
    ends: Arc<Ends>,
    group: Group,
    query: Query,
    /// Up to where the follower has been given everything.
    last: Position,
    /// Whether the feed has been read to its end, or is away.
    caught_up: bool,
    consumer: Option<Box<dyn Consumer>>,
    backoff: Backoff,
    /// When a broker that is away is tried again.
    try_at: Instant,
    /// What came from the broker and is not yet looked at.
    ready: VecDeque<Delivered>,
    /// What was looked at and is not acknowledged: the broker is told when the follower has handled it.
    unacknowledged: VecDeque<(Position, Receipt)>,
    handled: watch::Receiver<Position>,
    /// When the feed is asked whether something should have come.
    look_at: Instant,
    /// Since when the feed has had something behind a position that did not come.
    overdue: Option<(Position, Instant)>,
    metrics: GroupMetrics,
}

/// What happened first.
enum Step {
    Came(Result<Vec<Delivered>, BrokerError>),
    Handled,
    Quiet,
    TryBroker,
}

impl Live {
    pub(super) fn new(
        ends: Arc<Ends>,
        group: Group,
        after: Position,
        query: Query,
        handled: watch::Receiver<Position>,
    ) -> Self {
        let metrics = ends.metrics.of(ends.topic.as_str(), group.as_str());
        let (now, backoff) = (Instant::now(), Backoff::new(ends.options.pause_first, ends.options.pause_max));
        Self {
            ends,
            group,
            query,
            last: after,
            caught_up: false,
            consumer: None,
            backoff,
            try_at: now,
            ready: VecDeque::new(),
            unacknowledged: VecDeque::new(),
            handled,
            look_at: now,
            overdue: None,
            metrics,
        }
    }

    /// The next delivery. Failures of either end are waited out as long as the other one helps.
    pub(super) async fn next(mut self) -> Option<(Result<Delivery, ReadError>, Self)> {
        // The broker first, so that it keeps from now on whatever is not in the feed yet.
        if self.consumer.is_none() && !self.caught_up {
            self.try_broker().await;
        }
        loop {
            if !self.caught_up {
                if let Some(delivery) = self.catch_up().await {
                    return Some((Ok(delivery), self));
                }
                continue;
            }
            if let Some(delivery) = self.take_ready().await {
                return Some((delivery, self));
            }
            let delivery = match self.step().await {
                Step::Came(Ok(messages)) => {
                    self.backoff.reset();
                    self.look_at = Instant::now() + self.ends.options.quiet_max;
                    self.ready.extend(messages);
                    None
                }
                Step::Came(Err(error)) => {
                    self.lost(&error);
                    None
                }
                Step::Handled => {
                    self.acknowledge().await;
                    None
                }
                Step::TryBroker => {
                    self.try_broker().await;
                    None
                }
                Step::Quiet => self.look().await,
            };
            if let Some(delivery) = delivery {
                return Some((Ok(delivery), self));
            }
        }
    }

    async fn step(&mut self) -> Step {
        let Self { consumer, handled, ends, unacknowledged, .. } = self;
        let max = ends.options.delivery_events_max;
        let is_away = consumer.is_none();
        let coming = async {
            match consumer {
                Some(consumer) => consumer.next(max).await,
                None => pending().await,
            }
        };
        let handling = async {
            // Who has dropped the other end handles nothing more.
            if unacknowledged.is_empty() || handled.changed().await.is_err() {
                pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = handling => Step::Handled,
            messages = coming => Step::Came(messages),
            () = sleep_until(self.try_at), if is_away => Step::TryBroker,
            () = sleep_until(self.look_at) => Step::Quiet,
        }
    }

    /// Opens the group's subscription; a new one begins now, since what was before is read from the feed.
    async fn try_broker(&mut self) {
        let subscribe = Subscribe { topic: self.ends.topic.clone(), group: self.group.clone(), from: StartFrom::Now };
        match self.ends.broker.consumer(subscribe).await {
            Ok(consumer) => {
                tracing::info!(topic = %self.ends.topic, group = %self.group, broker = self.ends.broker.place(), "following");
                self.consumer = Some(consumer);
                self.metrics.connected.set(1);
                self.look_at = Instant::now();
            }
            Err(error) => self.lost(&error),
        }
    }

    /// The broker is away. What it delivered and was not told is handled, it delivers again.
    fn lost(&mut self, error: &BrokerError) {
        tracing::warn!(code = %error.code(), topic = %self.ends.topic, group = %self.group, %error,
            "the broker delivers nothing; events come from the feed until it does");
        self.consumer = None;
        self.ready.clear();
        self.unacknowledged.clear();
        self.try_at = Instant::now() + self.backoff.pause();
        self.metrics.connected.set(0);
        self.metrics.interruptions.inc();
    }

    async fn acknowledge(&mut self) {
        let handled = *self.handled.borrow_and_update();
        let mut through = None;
        while let Some((position, receipt)) = self.unacknowledged.front()
            && *position <= handled
        {
            through = Some(*receipt);
            self.unacknowledged.pop_front();
        }
        let (Some(through), Some(consumer)) = (through, &mut self.consumer) else { return };
        if let Err(error) = consumer.acknowledge(through).await {
            self.lost(&error);
        }
    }

    /// The next page of the feed.
    async fn page(&mut self) -> Result<Page, ReadError> {
        let reading = self.ends.feed.read(self.last, &self.query, PAGE_EVENTS);
        timeout(self.ends.options.feed_within, reading).await.unwrap_or(Err(ReadError::Timeout))
    }

    /// Reads on in the feed, until nothing is left or it turns out to be away.
    async fn catch_up(&mut self) -> Option<Delivery> {
        match self.page().await {
            Ok(page) => {
                self.caught_up = page.through >= page.head;
                self.look_at = Instant::now() + self.ends.options.quiet_max;
                Some(self.given(page))
            }
            Err(error) if self.consumer.is_some() => {
                tracing::warn!(code = %error.code(), topic = %self.ends.topic, group = %self.group, %error,
                    "the feed is away; going on with what the broker has");
                self.caught_up = true;
                None
            }
            Err(_) => {
                tokio::time::sleep(self.backoff.pause()).await;
                self.try_broker().await;
                None
            }
        }
    }

    fn given(&mut self, page: Page) -> Delivery {
        self.last = page.through.max(self.last);
        self.overdue = None;
        let caught_up = page.through >= page.head && self.ready.is_empty();
        Delivery { events: page.events, through: self.last, caught_up }
    }

    /// The next of what came from the broker: up to the first that shows that something is missing.
    async fn take_ready(&mut self) -> Option<Result<Delivery, ReadError>> {
        let (before, mut events) = (self.last, Vec::new());
        while let Some(next) = self.ready.front() {
            if next.previous > self.last {
                if self.last > before {
                    break;
                }
                return Some(self.fill(next.previous).await);
            }
            let Some(Delivered { event, receipt, .. }) = self.ready.pop_front() else { break };
            self.unacknowledged.push_back((event.position(), receipt));
            if event.position() <= self.last {
                self.metrics.repeated.inc();
                continue;
            }
            self.last = event.position();
            self.metrics.delivered.inc();
            if self.query.matches(&event) {
                events.push(event);
            }
        }
        if self.last == before {
            // Nothing but repeats, of which the follower may have handled all.
            if !self.unacknowledged.is_empty() {
                self.acknowledge().await;
            }
            return None;
        }
        self.overdue = None;
        if self.ready.is_empty()
            && let Some(consumer) = &mut self.consumer
            && let Some(Ok(more)) = consumer.next(self.ends.options.delivery_events_max).now_or_never()
        {
            self.ready.extend(more);
        }
        Some(Ok(Delivery { events, through: self.last, caught_up: self.ready.is_empty() }))
    }

    /// Reads what the broker does not have, a page at a time.
    async fn fill(&mut self, until: Position) -> Result<Delivery, ReadError> {
        // If the feed is away: what came is kept by the broker and comes again.
        let page = self.page().await?;
        let code = ErrorCode::MISSING_ON_BROKER;
        let (events, after, through) = (page.events.len(), self.last, page.through);
        tracing::warn!(%code, topic = %self.ends.topic, group = %self.group, %after, %until, %through, events,
            "the broker lacks events; they come from the feed");
        self.metrics.filled.inc_by(events as u64);
        Ok(self.given(page))
    }

    /// The broker has been quiet: asks the feed whether it should have been.
    async fn look(&mut self) -> Option<Delivery> {
        self.look_at = Instant::now() + self.ends.options.quiet_max;
        // A feed that is away is no news: the broker goes on without it.
        let page = self.page().await.ok()?;
        if page.events.is_empty() {
            let further = page.through > self.last;
            let delivery = self.given(page);
            return further.then_some(delivery);
        }
        if self.consumer.is_some() {
            let now = Instant::now();
            match self.overdue {
                Some((last, since)) if last == self.last => {
                    if now - since < self.ends.options.overdue_after {
                        return None;
                    }
                    let (code, events) = (ErrorCode::MISSING_ON_BROKER, page.events.len());
                    tracing::warn!(%code, topic = %self.ends.topic, group = %self.group, after = %self.last, events,
                        "events did not come over the broker in time; they come from the feed");
                }
                _ => {
                    self.overdue = Some((self.last, now));
                    return None;
                }
            }
        }
        self.metrics.filled.inc_by(page.events.len() as u64);
        Some(self.given(page))
    }
}
