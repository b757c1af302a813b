//! Turns: each who is measured has its own within each round, so that whatever else the machine does meets all alike.

use std::sync::Arc;
use std::time::Duration;

use super::Settings;
use super::load::{Ask, Load, Span};
use super::stand::{Contender, Stand};
use crate::BenchError;
use crate::measure::{Figure, Histogram, Spread};

/// Until connections are open and caches filled.
pub(super) const WARM: Duration = Duration::from_millis(500);

/// One contender's rounds.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    pub(super) cpu_us: Spread,
    rate: Spread,
    busy: Spread,
    latency: Histogram,
}

impl Rounds {
    /// As a figure: processor time a request.
    pub(super) fn figure(&self, name: String) -> Figure {
        let mut figure = Figure::new(name, "µs CPU", &self.cpu_us);
        figure.p50_us = Some(self.latency.quantile_us(0.5));
        figure.p99_us = Some(self.latency.quantile_us(0.99));
        figure.rate = Some(self.rate.median());
        figure.busy = Some(self.busy.median());
        figure
    }
}

/// What one contender is asked, with what it must answer.
pub(super) struct Turn {
    pub(super) ask: Ask,
    pub(super) expected: Arc<[u8]>,
}

/// Measures all contenders in turns, each at what is asked of it; those of whom nothing is asked have none.
///
/// # Errors
/// [`BenchError`].
pub(super) fn measure(settings: &Settings, stand: &Stand, turns: &[Option<Turn>]) -> Result<Vec<Rounds>, BenchError> {
    let mut all: Vec<Rounds> = stand.contenders.iter().map(|_| Rounds::default()).collect();
    let measured = settings.time;
    for _ in 0..settings.rounds {
        for ((contender, turn), rounds) in stand.contenders.iter().zip(turns).zip(&mut all) {
            let Some(turn) = turn else { continue };
            let load = load(settings, contender, turn);
            let meter = || contender.process.cpu_time();
            let loaded = settings.runtime.block_on(load.run(Span::Time { warm: WARM, measured }, meter))?;
            rounds.cpu_us.push(loaded.metered_us());
            rounds.rate.push(loaded.rate());
            rounds.busy.push(loaded.busy());
            rounds.latency.merge(&loaded.latency);
        }
    }
    Ok(all)
}

fn load(settings: &Settings, contender: &Contender, turn: &Turn) -> Load {
    Load {
        address: contender.address,
        ask: turn.ask.clone(),
        connections: settings.connections,
        expected: Some(Arc::clone(&turn.expected)),
    }
}
