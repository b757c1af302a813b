//! Steps of which each follows from a number of its own, so that some can be left out and the others stay what they
//! are: for whoever looks for the shortest sequence that fails.

use tradewind_testkit::disk::Random;

use super::report::Report;
use super::round::Round;

/// Plays a sequence. One step in eight ends the log's life, in some way, and opens it again.
///
/// # Errors
/// The first promise that is not kept.
pub fn play(disk: u64, steps: &[u64], report: &mut Report) -> Result<(), String> {
    let mut round = Round::new(disk, 5, report);
    let mut session = Some(round.open_untroubled()?);
    for (number, seed) in steps.iter().enumerate() {
        let mut random = Random::new(*seed);
        let ends = random.one_in(8);
        let way = random.below(3);
        round.random = random;
        if ends {
            if way == 1 {
                round.disk.kill();
            } else if way == 2 {
                round.disk.crash();
            }
            drop(session.take());
        }
        let open = match session.take() {
            Some(open) => open,
            None => {
                let reopened = round.open_untroubled()?;
                round.look(&reopened).map_err(|problem| format!("step {number}, reopened: {problem}"))?;
                reopened
            }
        };
        round.steps(&open, 1).map_err(|problem| format!("step {number}: {problem}"))?;
        session = Some(open);
    }
    drop(session);
    round.finish()
}
