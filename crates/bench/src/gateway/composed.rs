//! `gateway/compose`: one answer of three, each asked for anew, and of each a field is left out.

use std::sync::Arc;

use serde_json::Value;

use super::Settings;
use super::answers::{COMPOSED, PARTS};
use super::load::Ask;
use super::rounds::{Turn, measure};
use super::stand::{OURS, Stand};
use crate::BenchError;
use crate::measure::Aim;

/// Microseconds of processor time for one.
const MOST_US: f64 = 90.0;

/// Measures and shows.
///
/// # Errors
/// [`BenchError`].
pub(super) fn show(settings: &Settings) -> Result<(), BenchError> {
    let folder = settings.folder.path();
    let mut stand = Stand::start(settings, &[], false)?;
    let (ask, mut turns) = (Ask::get(format!("/{COMPOSED}/1")), Vec::new());
    for contender in &mut stand.contenders {
        let body = settings.runtime.block_on(contender.come_up(&ask, folder))?;
        check(&body).map_err(BenchError::Wrong)?;
        turns.push(Some(Turn { ask: ask.clone(), expected: Arc::from(body) }));
    }
    let all = measure(settings, &stand, &turns)?;
    for (contender, rounds) in stand.contenders.iter().zip(all) {
        let mut figure = rounds.figure(format!("gateway/compose/{}", contender.name));
        if contender.name == OURS {
            figure = figure.aim(Aim::at_most("value", MOST_US, rounds.cpu_us.median()));
        }
        settings.report.figure(&figure)?;
    }
    Ok(())
}

/// Whether it is what is to be composed: all parts, with all their fields but the one.
fn check(body: &[u8]) -> Result<(), String> {
    let composed: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    for part in PARTS {
        let mut whole: Value = serde_json::from_slice(&part.body()).map_err(|error| error.to_string())?;
        if let Some(fields) = whole.as_object_mut() {
            fields.remove("internal");
        }
        if composed[part.segment] != whole {
            return Err(format!("{} is {}", part.segment, composed[part.segment]));
        }
    }
    Ok(())
}
