//! `gateway/memory`: what the gateway has in use over a million requests, each for another path. What is
//! cached fills the cache several times over, so that it has to throw out as much as it takes in.

use super::Settings;
use super::answers::{CACHED, Kind, PLAIN};
use super::load::{Ask, Load, Span};
use super::stand::{Contender, Stand};
use crate::BenchError;
use crate::measure::{Aim, Figure, Spread};

/// How often it is looked at.
const LOOKS: u64 = 10;
/// At the end, by what it was after the first tenth.
const GROWTH_MOST: f64 = 1.05;

/// Measures and shows.
///
/// # Errors
/// [`BenchError`].
pub(super) fn show(settings: &Settings) -> Result<(), BenchError> {
    for kind in [PLAIN, CACHED] {
        let mut stand = Stand::start(settings, &[], false)?;
        for contender in &mut stand.contenders {
            settings.runtime.block_on(contender.come_up(&Ask::get(kind.path()), settings.folder.path()))?;
            show_of(settings, contender, kind)?;
        }
    }
    Ok(())
}

fn show_of(settings: &Settings, contender: &Contender, kind: Kind) -> Result<(), BenchError> {
    let ask = Ask::get(format!("/{}/", kind.segment)).numbered();
    let expected = Some(kind.body().into());
    let load = Load { address: contender.address, ask, connections: settings.connections, expected };
    let mib = || contender.process.resident_bytes() as f64 / f64::from(1 << 20);
    let name = format!("gateway/memory/{}/{}", kind.segment, contender.name);
    settings.report.figure(&Figure::new(format!("{name}/start"), "MiB", &[mib()].into_iter().collect()))?;
    let (count, mut seen) = (settings.requests / LOOKS, Vec::new());
    for look in 0..LOOKS {
        let span = Span::Requests { first: look * count, count };
        settings.runtime.block_on(load.run(span, || contender.process.cpu_time()))?;
        seen.push(mib());
    }
    let (first, last) = (seen[0], seen[seen.len() - 1]);
    let all: Spread = seen.into_iter().collect();
    let growth = last / first;
    let figure = Figure::new(name, "MiB", &all).versus("after the first tenth", growth);
    Ok(settings.report.figure(&figure.aim(Aim::at_most("ratio", GROWTH_MOST, growth)))?)
}
