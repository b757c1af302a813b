//! The faults of a round: drawn from the seed, so that the same seed makes the same ones.

use std::time::Duration;

use tradewind_testkit::disk::Random;

/// How long a round's load lasts at least.
pub(super) const LOAD: Duration = Duration::from_millis(1_500);
/// The most faults in a round.
const FAULTS_MAX: u64 = 4;

/// What there is to break.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub(super) processes: usize,
    pub(super) links: usize,
    /// Whether there is a broker of the proof's own.
    pub(super) broker: bool,
    pub(super) database: bool,
}

/// Something that breaks, and is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// When, from the round's beginning.
    pub(super) at: Duration,
    pub(super) lasts: Duration,
    pub(super) what: What,
}

/// What breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A process is killed.
    Process(usize),
    Broker,
    Database,
    Link(usize, Cut),
}

/// How a link is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Connections break, and none can be made.
    Closed,
    /// Nothing gets through either way, and nobody is told.
    Silent,
    /// What is asked gets through, what is answered does not.
    AnswersHeld,
}

/// The faults of one round. Nothing breaks twice in it.
pub(super) fn faults(seed: u64, round: u64, scene: Scene) -> Vec<Fault> {
    let mut random = Random::part(seed, round);
    let mut faults: Vec<Fault> = Vec::new();
    for _ in 0..=random.below(FAULTS_MAX) {
        let at = Duration::from_millis(random.below(LOAD.as_millis() as u64));
        let lasts = Duration::from_millis(random.below(1_500));
        let what = what(&mut random, scene);
        let is_new = faults.iter().all(|other| match (other.what, what) {
            (What::Link(one, _), What::Link(another, _)) => one != another,
            (one, another) => one != another,
        });
        if is_new {
            faults.push(Fault { at, lasts, what });
        }
    }
    faults
}

fn what(random: &mut Random, scene: Scene) -> What {
    // A broker is killed in about every fourth round, since it takes some of them seconds to come back.
    match random.below(12) {
        0 if scene.broker => What::Broker,
        1 if scene.database => What::Database,
        2..=6 => {
            let cut = [Cut::Closed, Cut::Silent, Cut::AnswersHeld][random.index(3)];
            What::Link(random.index(scene.links), cut)
        }
        _ => What::Process(random.index(scene.processes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENE: Scene = Scene { processes: 5, links: 9, broker: true, database: true };

    #[test]
    fn the_same_seed_gives_the_same_faults_and_all_kinds_come() {
        let all = |seed| (0..200).map(|round| faults(seed, round, SCENE)).collect::<Vec<_>>();
        assert_eq!(all(7), all(7));
        assert_ne!(all(7), all(8));
        let kinds: Vec<What> = all(7).into_iter().flatten().map(|fault| fault.what).collect();
        for cut in [Cut::Closed, Cut::Silent, Cut::AnswersHeld] {
            assert!(kinds.iter().any(|what| matches!(what, What::Link(_, this) if *this == cut)));
        }
        assert!(kinds.contains(&What::Broker) && kinds.contains(&What::Database));
        assert!((0..5).all(|process| kinds.contains(&What::Process(process))));
    }

    #[test]
    fn what_is_not_there_does_not_break() {
        let scene = Scene { broker: false, database: false, ..SCENE };
        let kinds = (0..200).flat_map(|round| faults(1, round, scene)).map(|fault| fault.what);
        assert!(kinds.into_iter().all(|what| !matches!(what, What::Broker | What::Database)));
    }
}
