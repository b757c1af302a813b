//! `gateway/floor`: the load and the service without anybody between them, both on one core. What is measured has to
//! cost more than this, or it is the load that is measured.

use super::Settings;
use super::answers::PLAIN;
use super::load::{Ask, Load, Span};
use super::stand::Stand;
use crate::BenchError;
use crate::measure::{Figure, Spread, cpu_time};

/// Measures and shows.
///
/// # Errors
/// [`BenchError`].
pub(super) fn show(settings: &Settings) -> Result<(), BenchError> {
    let mut stand = Stand::start(settings, &[], false)?;
    let ask = Ask::get(PLAIN.path());
    settings.runtime.block_on(stand.service.come_up(&ask, settings.folder.path()))?;
    let (service, expected) = (&stand.service, Some(PLAIN.body().into()));
    let load = Load { address: service.address, ask, connections: settings.connections, expected };
    let (mut both, mut of_load, mut rate) = (Spread::default(), Spread::default(), Spread::default());
    for _ in 0..settings.rounds {
        let span = Span::Time { warm: super::WARM, measured: settings.time };
        let meter = || service.process.cpu_time() + cpu_time();
        let loaded = settings.runtime.block_on(load.run(span, meter))?;
        both.push(loaded.metered_us());
        rate.push(loaded.rate());
        let loaded = settings.runtime.block_on(load.run(span, cpu_time))?;
        of_load.push(loaded.metered_us());
    }
    for (name, spread) in [("gateway/floor/load+service", both), ("gateway/floor/load", of_load)] {
        let mut figure = Figure::new(name, "µs CPU", &spread);
        figure.rate = Some(rate.median());
        settings.report.figure(&figure)?;
    }
    Ok(())
}
