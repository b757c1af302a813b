//! `gateway/cache-hit`: an answer that is stored, and fresh.

use std::sync::Arc;

use super::Settings;
use super::answers::CACHED;
use super::load::Ask;
use super::rounds::{Turn, measure};
use super::stand::Stand;
use crate::BenchError;

/// By the peers' processor time.
const MOST: [(&str, f64); 2] = [("haproxy", 1.0), ("nginx", 0.5)];

/// Measures and shows.
///
/// # Errors
/// [`BenchError`]; also if somebody asks the service all the same.
pub(super) fn show(settings: &Settings) -> Result<(), BenchError> {
    let folder = settings.folder.path();
    let mut stand = Stand::start(settings, &settings.peers, false)?;
    let (ask, mut turns) = (Ask::get(CACHED.path()), Vec::new());
    for contender in &mut stand.contenders {
        settings.runtime.block_on(contender.come_up(&ask, folder))?;
        turns.push(Some(Turn { ask: ask.clone(), expected: Arc::from(CACHED.body()) }));
    }
    // From here on nobody need be there to answer.
    stand.service.process.kill();
    let rounds = measure(settings, &stand, &turns)?;
    settings.compare("cache-hit", &stand, &rounds, &MOST)
}
