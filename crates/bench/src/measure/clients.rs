//! The closed loop over a network: so many clients, each with one request on its way.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Fresh, Histogram, Run, Work, cpu_time};
use crate::BenchError;

/// One client, with its connection.
pub trait Client: Send + 'static {
    /// Records one event, and waits for the answer.
    ///
    /// # Errors
    /// What went wrong, in words.
    fn append(&mut self, event: &Fresh<'_>) -> impl Future<Output = Result<(), String>> + Send;
}

struct Part {
    events: u64,
    bytes: u64,
    latency: Histogram,
}

/// Drives clients, each with its own work, for a time.
///
/// # Errors
/// [`BenchError::Engine`] with the first refusal: the work is such that none is due.
pub async fn drive_clients<C: Client>(clients: Vec<(C, Work)>, time: Duration) -> Result<Run, BenchError> {
    let (begun, cpu) = (Instant::now(), cpu_time());
    let mut tasks = JoinSet::new();
    for (mut client, mut work) in clients {
        tasks.spawn(async move {
            let mut part = Part { events: 0, bytes: 0, latency: Histogram::default() };
            let mut now = Instant::now();
            while now.duration_since(begun) < time {
                let (event, since) = (work.next(0), now);
                client.append(&event).await.map_err(BenchError::Engine)?;
                now = Instant::now();
                part.latency.record(now.duration_since(since));
                part.events += 1;
                part.bytes += event.bytes(false);
            }
            Ok::<_, BenchError>(part)
        });
    }
    let mut run = Run { events: 0, bytes: 0, time: Duration::ZERO, cpu: Duration::ZERO, latency: Histogram::default() };
    while let Some(ended) = tasks.join_next().await {
        let part = ended.map_err(|_| BenchError::Panicked)??;
        run.events += part.events;
        run.bytes += part.bytes;
        run.latency.merge(&part.latency);
    }
    (run.time, run.cpu) = (begun.elapsed(), cpu_time().saturating_sub(cpu));
    Ok(run)
}
