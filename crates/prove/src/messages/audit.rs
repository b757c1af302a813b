//! What is on a topic by itself. Followers take from the feed what a broker lacks, so from what they have nobody would
//! ever see that a relay left something out, or that a broker lost what it had confirmed; other readers of the topic
//! would.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;
use tradewind_broker::{Broker, BrokerError, BrokerOptions, Delivered, Group, StartFrom, Subscribe, Topic};
use tradewind_events::Position;

use super::check::Entry;

/// As who the proof itself reads a topic.
const GROUP: &str = "prove_audit";
/// The most messages that are taken at once.
const MESSAGES_MAX: usize = 1_000;
const PAUSE: Duration = Duration::from_millis(200);
const LOOK_EVERY: Duration = Duration::from_millis(30);

/// A topic that is read from its beginning as long as this lives, past all links.
pub(super) struct Audit {
    read: Arc<Mutex<Read>>,
    _reading: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Read {
    /// What came for the first time and has not been taken.
    entries: Vec<Entry>,
    /// The furthest that came.
    last: Position,
    /// Messages that came before the one that they say is before them.
    holes: u64,
}

/// What a topic had since it was last asked.
pub(super) struct Taken {
    pub(super) entries: Vec<Entry>,
    /// How often a message did not say that the last one is before it.
    pub(super) holes: u64,
}

impl Audit {
    /// Of a topic, at a broker by its URL.
    pub(super) fn start(url: &str, topic: &str) -> Result<Self, String> {
        let options = BrokerOptions { client_name: "tradewind prove: audit".to_owned(), ..BrokerOptions::default() };
        let broker = tradewind_broker::open(url, options).map_err(|error| error.to_string())?;
        let broker = broker.ok_or("feeds have no topics")?;
        let topic = Topic::new(topic).map_err(|error| error.to_string())?;
        let group = Group::of(GROUP, topic.as_str()).map_err(|error| error.to_string())?;
        let subscribe = Subscribe { topic, group, from: StartFrom::Beginning };
        let read = Arc::default();
        let reading = tokio::spawn(keep_reading(broker, subscribe, Arc::clone(&read)));
        Ok(Self { read, _reading: AbortOnDropHandle::new(reading) })
    }

    /// What is new on the topic, once it has come to a position or the time is over.
    pub(super) async fn take(&self, until: Position, within: Duration) -> Taken {
        let begun = Instant::now();
        while self.locked().last < until && begun.elapsed() < within {
            sleep(LOOK_EVERY).await;
        }
        let mut read = self.locked();
        Taken { entries: std::mem::take(&mut read.entries), holes: std::mem::take(&mut read.holes) }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads on; when the broker is killed, it waits until that is back.
async fn keep_reading(broker: Arc<dyn Broker>, subscribe: Subscribe, read: Arc<Mutex<Read>>) {
    loop {
        let Err(_away) = session(&*broker, &subscribe, &read).await;
        sleep(PAUSE).await;
    }
}

async fn session(
    broker: &dyn Broker,
    subscribe: &Subscribe,
    read: &Mutex<Read>,
) -> Result<std::convert::Infallible, BrokerError> {
    let mut consumer = broker.consumer(subscribe.clone()).await?;
    loop {
        let came = consumer.next(MESSAGES_MAX).await?;
        let Some(receipt) = came.last().map(|last| last.receipt) else { continue };
        read.lock().unwrap_or_else(PoisonError::into_inner).add(&came);
        consumer.acknowledge(receipt).await?;
    }
}

impl Read {
    /// Repeats are what a broker may do.
    fn add(&mut self, came: &[Delivered]) {
        for Delivered { event, previous, .. } in came {
            if event.position() <= self.last {
                continue;
            }
            if *previous > self.last {
                self.holes += 1;
            }
            self.last = event.position();
            self.entries.push(Entry::of(event));
        }
    }
}
