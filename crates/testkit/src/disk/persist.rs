//! Which part of what was not synced a crash leaves behind.

use super::random::Random;

/// A way in which a crash chooses. Disks reorder within what was not synced, so every subset is possible; pure
/// chance alone would hardly ever draw the telling ones: nothing, everything, all but one, only the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persist {
    /// Nothing of it.
    Nothing,
    /// All of it.
    Everything,
    /// Each part by the toss of a coin; parts may be torn.
    Half,
    /// A part here and there.
    Few,
    /// Nearly all of it.
    Most,
    /// What was first, up to some point.
    Beginning,
    /// What was last, from some point on.
    End,
}

impl Persist {
    /// Draws a way.
    #[must_use]
    pub fn draw(random: &mut Random) -> Self {
        match random.below(9) {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 | 3 => Self::Half,
            4 => Self::Few,
            5 => Self::Most,
            6 | 7 => Self::Beginning,
            _ => Self::End,
        }
    }

    pub(super) fn is_total(self) -> bool {
        self == Self::Everything
    }

    pub(super) fn tears(self, random: &mut Random) -> bool {
        match self {
            Self::Nothing | Self::Everything => false,
            _ => random.one_in(16),
        }
    }

    /// Whether part `index` of `count` is kept.
    pub(super) fn keeps(self, index: usize, count: usize, random: &mut Random) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Half => random.one_in(2),
            Self::Few => random.one_in(8),
            Self::Most => !random.one_in(8),
            // The border wanders a little from part to part, as it does where several queues drain.
            Self::Beginning => index <= random.index(count + 1).max(random.index(count + 1)),
            Self::End => index >= random.index(count + 1).min(random.index(count + 1)),
        }
    }

    /// How many of `count` ordered changes are kept, where only a beginning can be.
    pub(super) fn prefix(self, count: usize, random: &mut Random) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Everything => count,
            _ => random.index(count + 1),
        }
    }
}
