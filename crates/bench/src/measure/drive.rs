//! The closed loop: so many events on their way at any time, each answered before its writer's next one.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::engine::Inbox;
use super::{Engine, Histogram, Ticket, Work, cpu_time};
use crate::BenchError;

/// When a loop ends.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After this time.
    Time(Duration),
    /// After this many events.
    Events(u64),
}

impl Until {
    fn reached(self, begun: Instant, now: Instant, events: u64) -> bool {
        match self {
            Self::Time(time) => now.duration_since(begun) >= time,
            Self::Events(most) => events >= most,
        }
    }
}

/// What came of a loop.
#[derive(Debug, Clone)]
pub struct Run {
    /// How many events were acknowledged.
    pub events: u64,
    /// How many bytes the writers handed over.
    pub bytes: u64,
    /// How long it took.
    pub time: Duration,
    /// The processor time of the whole process meanwhile, clients and background threads included.
    pub cpu: Duration,
    /// How long each event took, from handing it over until its writer knew.
    pub latency: Histogram,
}

impl Run {
    /// Acknowledged events a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.events as f64 / self.time.as_secs_f64()
    }

    /// Processor time for each event, in microseconds.
    #[must_use]
    pub fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.events.max(1) as f64
    }
}

#[derive(Default)]
struct Part {
    events: u64,
    bytes: u64,
    latency: Histogram,
}

/// Drives an engine with work for each client thread, `in_flight` events on their way altogether. With one in
/// flight its thread calls and waits; with more, the threads hand over and are told.
///
/// # Errors
/// [`BenchError::Engine`] with the first refusal: the work is such that none is due.
pub fn drive(engine: &dyn Engine, works: &mut [Work], in_flight: usize, until: Until) -> Result<Run, BenchError> {
    let clients = works.len().min(in_flight).max(1);
    let (begun, cpu) = (Instant::now(), cpu_time());
    let mut parts = Vec::new();
    if in_flight == 1 {
        parts.push(one(engine, &mut works[0], begun, until)?);
    } else {
        let share = match until {
            Until::Time(_) => until,
            Until::Events(events) => Until::Events(events / clients as u64),
        };
        let results: Vec<Result<Part, BenchError>> = thread::scope(|scope| {
            let threads: Vec<_> = works[..clients]
                .iter_mut()
                .map(|work| scope.spawn(move || many(engine, work, in_flight / clients, begun, share)))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(Err(BenchError::Panicked))).collect()
        });
        for result in results {
            parts.push(result?);
        }
    }
    let (time, cpu) = (begun.elapsed(), cpu_time().saturating_sub(cpu));
    let mut run = Run { events: 0, bytes: 0, time, cpu, latency: Histogram::default() };
    for part in parts {
        run.events += part.events;
        run.bytes += part.bytes;
        run.latency.merge(&part.latency);
    }
    Ok(run)
}

fn one(engine: &dyn Engine, work: &mut Work, begun: Instant, until: Until) -> Result<Part, BenchError> {
    let mut part = Part::default();
    let mut now = begun;
    while !until.reached(begun, now, part.events) {
        let event = work.next(0);
        let since = Instant::now();
        engine.append(&event).map_err(BenchError::Engine)?;
        now = Instant::now();
        part.latency.record(now.duration_since(since));
        part.events += 1;
        part.bytes += event.bytes(false);
    }
    Ok(part)
}

fn many(
    engine: &dyn Engine,
    work: &mut Work,
    in_flight: usize,
    begun: Instant,
    until: Until,
) -> Result<Part, BenchError> {
    let mut part = Part::default();
    let inbox = Arc::new(Inbox::default());
    let mut submit = |writer: usize, since: Instant, part: &mut Part| {
        let event = work.next(writer);
        part.bytes += event.bytes(false);
        engine.submit(&event, Ticket { inbox: Arc::clone(&inbox), writer, since });
    };
    (0..in_flight).for_each(|writer| submit(writer, Instant::now(), &mut part));
    let (mut submitted, mut answers) = (in_flight as u64, Vec::with_capacity(in_flight));
    while part.events < submitted {
        answers.clear();
        if !inbox.take(&mut answers) {
            return Err(BenchError::Engine("no answer within 60 s".to_owned()));
        }
        let now = Instant::now();
        let over = matches!(until, Until::Time(_)) && until.reached(begun, now, submitted);
        for answer in answers.drain(..) {
            answer.result.map_err(BenchError::Engine)?;
            part.latency.record(now.duration_since(answer.since));
            part.events += 1;
            if !over && !until.reached(begun, begun, submitted) {
                submitted += 1;
                submit(answer.writer, now, &mut part);
            }
        }
    }
    Ok(part)
}
