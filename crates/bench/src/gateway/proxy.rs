//! `gateway/proxy`: passed through with everything off; `gateway/policies`: with a token's signature, limits and the
//! rate looked at, under a deadline, and a log that is kept. Both beside peers that pass through and do nothing else.

use std::sync::Arc;

use super::answers::{GUARDED, PLAIN};
use super::load::Ask;
use super::rounds::{Turn, measure};
use super::stand::{OURS, Stand};
use super::{Settings, verifier};
use crate::BenchError;
use crate::measure::Aim;

/// By nginx's processor time, with everything off.
const PLAIN_MOST: f64 = 1.0;
/// By nginx's processor time, where nginx has everything off.
const GUARDED_MOST: f64 = 1.2;

/// Measures and shows.
///
/// # Errors
/// [`BenchError`].
pub(super) fn show(settings: &Settings, guarded: bool) -> Result<(), BenchError> {
    let (name, ours, most) = if guarded { ("policies", GUARDED, GUARDED_MOST) } else { ("proxy", PLAIN, PLAIN_MOST) };
    let folder = settings.folder.path();
    let mut stand = Stand::start(settings, &settings.peers, guarded)?;
    // All are asked the same, also by length, so that nobody has less to read.
    let token = verifier::token()?;
    let ask = |kind: super::answers::Kind| match guarded {
        true => Ask::get(kind.path()).with("Authorization", &format!("Bearer {token}")),
        false => Ask::get(kind.path()),
    };
    let mut turns = Vec::new();
    for contender in &mut stand.contenders {
        let kind = if contender.is_ours() { ours } else { PLAIN };
        settings.runtime.block_on(contender.come_up(&ask(kind), folder))?;
        turns.push(Some(Turn { ask: ask(kind), expected: Arc::from(kind.body()) }));
    }
    let rounds = measure(settings, &stand, &turns)?;
    settings.compare(name, &stand, &rounds, &[("nginx", most)])
}

impl Settings {
    /// Shows the rounds of all, ours beside the others', with the most that it may be of theirs.
    pub(super) fn compare(
        &self,
        name: &str,
        stand: &Stand,
        rounds: &[super::rounds::Rounds],
        most: &[(&str, f64)],
    ) -> Result<(), BenchError> {
        let of = |wanted: &str| {
            let at = stand.contenders.iter().position(|contender| contender.name == wanted)?;
            rounds.get(at).map(|rounds| rounds.cpu_us.median())
        };
        for (contender, its) in stand.contenders.iter().zip(rounds) {
            let mut figure = its.figure(format!("gateway/{name}/{}", contender.name));
            for (peer, most) in most.iter().filter(|_| contender.name == OURS) {
                let Some(theirs) = of(peer).filter(|theirs| *theirs > 0.0) else { continue };
                let ratio = its.cpu_us.median() / theirs;
                figure = figure.versus(*peer, ratio).aim(Aim::at_most("ratio", *most, ratio));
            }
            self.report.figure(&figure)?;
        }
        Ok(())
    }
}
