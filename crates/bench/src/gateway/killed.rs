//! `gateway/killed`: what is answered on a cached route when the service has been killed and what is stored is no longer
//! fresh. Whoever has a rule for that may answer with it for ten minutes, and must not for longer.

use std::thread;
use std::time::Duration;

use super::Settings;
use super::answers::{FRESH_FOR, STALE, STALE_MOST};
use super::load::{Ask, Load, Span};
use super::stand::{OURS, Stand};
use crate::BenchError;
use crate::measure::{Aim, Figure, Histogram, Spread};

#[derive(Debug, Default)]
struct Answered {
    /// Answers with 200, of a hundred requests.
    good: Spread,
    oldest_s: u64,
    latency: Histogram,
}

/// Measures and shows.
///
/// # Errors
/// [`BenchError`].
pub(super) fn show(settings: &Settings) -> Result<(), BenchError> {
    let (folder, ask) = (settings.folder.path(), Ask::get(STALE.path()));
    let mut stand = Stand::start(settings, &settings.peers, false)?;
    for contender in &mut stand.contenders {
        settings.runtime.block_on(contender.come_up(&ask, folder))?;
    }
    stand.service.process.kill();
    // Nobody's answer is fresh any more: ages have whole seconds.
    thread::sleep(FRESH_FOR + Duration::from_millis(1_100));
    let mut all: Vec<Answered> = stand.contenders.iter().map(|_| Answered::default()).collect();
    for _ in 0..settings.rounds {
        for (contender, answered) in stand.contenders.iter().zip(&mut all) {
            let (address, connections) = (contender.address, settings.connections);
            let load = Load { address, ask: ask.clone(), connections, expected: None };
            let span = Span::Time { warm: Duration::ZERO, measured: settings.time };
            let loaded = settings.runtime.block_on(load.run(span, || Duration::ZERO))?;
            answered.good.push(loaded.good as f64 * 100.0 / loaded.requests().max(1) as f64);
            answered.oldest_s = answered.oldest_s.max(loaded.oldest_s);
            answered.latency.merge(&loaded.latency);
        }
    }
    for (contender, answered) in stand.contenders.iter().zip(&all) {
        let name = format!("gateway/killed/{}", contender.name);
        let mut figure = Figure::new(&name, "% of 200", &answered.good);
        figure.p50_us = Some(answered.latency.quantile_us(0.5));
        figure.p99_us = Some(answered.latency.quantile_us(0.99));
        let oldest = Figure::new(format!("{name}/age"), "s", &[answered.oldest_s as f64].into_iter().collect());
        if contender.name == OURS {
            // Also the worst round.
            figure = figure.aim(Aim::at_least("min", 100.0, answered.good.min()));
            let bound = (FRESH_FOR + STALE_MOST).as_secs_f64();
            let oldest = oldest.aim(Aim::at_most("value", bound, answered.oldest_s as f64));
            settings.report.figure(&figure)?;
            settings.report.figure(&oldest)?;
        } else {
            settings.report.figure(&figure)?;
        }
    }
    Ok(())
}
