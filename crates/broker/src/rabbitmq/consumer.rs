//! Consuming: all groups read the topic's stream, each from its own place on.

use std::collections::VecDeque;
use std::time::Duration;

use futures_core::future::BoxFuture;

use super::place::{Done, Place, PlaceKeeper};
use super::stream::{self, Begin, Stream};
use super::{Link, topology};
use crate::{BrokerError, BrokerOptions, Consumer, Delivered, Receipt, StartFrom, Subscribe, Topic};

/// How long the message at a group's place may take to come, if the stream still has it.
const COMES_WITHIN: Duration = Duration::from_secs(2);
/// A place's queue is used so many times within the time after which it would be gone.
const USES: u32 = 8;

pub(super) struct RabbitMqConsumer {
    stream: Stream,
    place: PlaceKeeper,
    /// What has come and is not yet given out: it survives when a wait is broken off.
    ahead: Vec<Delivered>,
    /// What is given out and not acknowledged.
    unacknowledged: VecDeque<Done>,
}

impl RabbitMqConsumer {
    pub(super) async fn open(link: Link, subscribe: &Subscribe, options: &BrokerOptions) -> Result<Self, BrokerError> {
        let Subscribe { topic, group, from } = subscribe;
        topology::make_topic(&link, topic, options).await?;
        let queue = topology::place_name(topic, group);
        let is_new = topology::make_place(&link, &queue, options).await?;
        let known = if is_new { None } else { Place::find(&link, &queue).await? };
        let (place, is_news) = match known {
            Some(place) => (place, None),
            None => {
                let done = match from {
                    StartFrom::Beginning => None,
                    StartFrom::Now => stream::last(&link, topic).await?,
                };
                (Place { done }, Some(Place { done }))
            }
        };
        let keeper = PlaceKeeper::begin(&link, queue, is_news, options.keep_for / USES).await?;
        topology::remove_former_queue(&link, topic, group).await?;
        let mut consumer = Self {
            stream: Stream::open(&link, topic, begin(place), options.prefetch).await?,
            place: keeper,
            ahead: Vec::new(),
            unacknowledged: VecDeque::new(),
        };
        if let Some(done) = place.done {
            consumer.go_behind(done, &link, topic, options).await?;
        }
        Ok(consumer)
    }

    /// Reads over the message at the group's place. If there is another one, the stream has been made anew since, or
    /// has lost its end with its server's machine: then it is read from its oldest message on, and whoever follows
    /// drops what he knows.
    async fn go_behind(
        &mut self,
        done: Done,
        link: &Link,
        topic: &Topic,
        options: &BrokerOptions,
    ) -> Result<(), BrokerError> {
        if let Ok(first) = tokio::time::timeout(COMES_WITHIN, self.stream.next()).await {
            let kept = first?;
            let message = kept.read();
            if kept.offset == done.offset
                && message.as_ref().is_some_and(|message| message.event.position() == done.position)
            {
                return Ok(());
            }
            // The place lies before everything that is still kept.
            if kept.offset > done.offset {
                self.ahead.extend(message);
                return Ok(());
            }
        }
        tracing::warn!(%topic, offset = done.offset, position = %done.position,
            "the topic's stream is not the one in which this group was; reading it from its beginning");
        self.stream = Stream::open(link, topic, Begin::Oldest, options.prefetch).await?;
        Ok(())
    }
}

fn begin(place: Place) -> Begin {
    place.done.map_or(Begin::Oldest, |done| Begin::At(done.offset))
}

impl Consumer for RabbitMqConsumer {
    fn next(&mut self, max: usize) -> BoxFuture<'_, Result<Vec<Delivered>, BrokerError>> {
        Box::pin(async move {
            while self.ahead.len() < max {
                let next = if self.ahead.is_empty() {
                    self.stream.next().await
                } else {
                    match self.stream.here() {
                        Some(next) => next,
                        None => break,
                    }
                };
                match next {
                    Ok(kept) => self.ahead.extend(kept.read()),
                    // What came before it is given first; a channel that broke tells so again.
                    Err(_) if !self.ahead.is_empty() => break,
                    Err(error) => return Err(error),
                }
            }
            let rest = self.ahead.split_off(max.min(self.ahead.len()));
            let given = std::mem::replace(&mut self.ahead, rest);
            let done = |message: &Delivered| Done { offset: message.receipt.0, position: message.event.position() };
            self.unacknowledged.extend(given.iter().map(done));
            Ok(given)
        })
    }

    fn acknowledge(&mut self, through: Receipt) -> BoxFuture<'_, Result<(), BrokerError>> {
        let done = self.unacknowledged.partition_point(|message| message.offset <= through.0);
        let last = done.checked_sub(1).and_then(|last| self.unacknowledged.get(last)).copied();
        let outcome = last.map_or(Ok(()), |last| self.place.keep(last));
        self.unacknowledged.drain(..done);
        Box::pin(async move { outcome })
    }
}
