//! A service under load: several writers, each of which repeats an append until it knows what became of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tradewind_events::{
    Append, AppendError, Clock as _, Event, EventStore, EventType, ExpectedRevision, StreamId, SystemClock,
};
use tradewind_testkit::disk::Random;

use super::{Problem, Said, Told, say};

const WRITERS: u64 = 4;
/// How many keys there are: few enough that many events have the same.
const KEYS: u64 = 50;
const EVENTS_MAX: u64 = 3;
/// How long a writer rests between two appends.
const PACE: Duration = Duration::from_millis(8);
const PAUSE: Duration = Duration::from_millis(20);

/// Records events until standard input ends.
pub(super) async fn run(store: Arc<dyn EventStore>, seed: u64, mut told: mpsc::Receiver<Told>) -> Result<(), Problem> {
    let (pause, paused) = watch::channel(false);
    let busy = Arc::new(AtomicUsize::new(0));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (store, paused, busy) = (Arc::clone(&store), paused.clone(), Arc::clone(&busy));
        writers.spawn(write(store, Random::part(seed, writer), paused, busy));
    }
    loop {
        tokio::select! {
            told = told.recv() => match told {
                Some(Told::Go) => drop(pause.send_replace(false)),
                Some(Told::Pause) => {
                    pause.send_replace(true);
                    while busy.load(Ordering::SeqCst) > 0 && writers.len() as u64 == WRITERS {
                        tokio::time::sleep(PAUSE).await;
                    }
                    say(&Said::Paused)?;
                }
                None => return Ok(()),
            },
            Some(ended) = writers.join_next() => return Ok(ended??),
        }
    }
}

async fn write(
    store: Arc<dyn EventStore>,
    mut random: Random,
    mut paused: watch::Receiver<bool>,
    busy: Arc<AtomicUsize>,
) -> io::Result<()> {
    loop {
        if paused.wait_for(|paused| !paused).await.is_err() {
            return Ok(());
        }
        busy.fetch_add(1, Ordering::SeqCst);
        // Told to pause meanwhile, it must not begin.
        if !*paused.borrow() {
            record(&*store, &mut random).await?;
        }
        busy.fetch_sub(1, Ordering::SeqCst);
        tokio::time::sleep(PACE).await;
    }
}

async fn record(store: &dyn EventStore, random: &mut Random) -> io::Result<()> {
    let stream = StreamId::of("order", random.below(KEYS)).map_err(io::Error::other)?;
    let mut events = Vec::new();
    for _ in 0..=random.below(EVENTS_MAX) {
        let data = serde_json::json!({ "customer": random.below(1_000), "total_cents": random.below(100_000) });
        let kind = EventType::new("OrderChanged").map_err(io::Error::other)?;
        events.push(Event::new(kind, SystemClock.now(), &data)?);
    }
    let ids = events.iter().map(|event| event.id.to_string()).collect();
    let append = Append::to(stream, ExpectedRevision::Any, events);
    loop {
        match store.append(append.clone()).await {
            Ok(appended) => return say(&Said::Acknowledged { first: appended.first.0, ids }),
            Err(AppendError::OutcomeUnknown(_) | AppendError::Unavailable(_) | AppendError::Timeout) => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(other) => return Err(io::Error::other(other)),
        }
    }
}
