//! What came of a call.

use bytes::Bytes;
use tokio::time::Instant;

use super::composition::{Call, Replacement};
use super::{Failed, Piece};

/// What came of a call of a composition.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was not needed.
    NotMade,
    /// It was made once, or failed before it was made.
    One(Heard),
    /// It was made for each element of a list.
    Many {
        /// For each element, which of the answers is its own.
        of: Vec<usize>,
        answers: Vec<Heard>,
    },
}

/// What was heard of one question.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) answer: Result<Piece, Failed>,
    pub(super) at: Instant,
}

impl Heard {
    pub(super) fn now(answer: Result<Piece, Failed>) -> Self {
        Self { answer, at: Instant::now() }
    }
}

impl Outcome {
    /// What ends the whole answer, if something does.
    pub(super) fn ends_all(&self, call: &Call) -> Option<Failed> {
        if call.instead != Replacement::Error {
            return None;
        }
        let failed = |heard: &Heard| heard.answer.as_ref().err().copied().filter(|why| *why != Failed::NoElements);
        match self {
            Self::NotMade => None,
            Self::One(heard) => failed(heard),
            Self::Many { answers, .. } => answers.iter().find_map(failed),
        }
    }

    /// The JSON that later calls take values from.
    pub(super) fn json(&self, call: &Call) -> Result<Bytes, Failed> {
        match self {
            Self::One(Heard { answer: Ok(piece), .. }) => Ok(piece.body.clone()),
            Self::One(Heard { answer: Err(why), .. }) => match (&call.instead, why) {
                (Replacement::Default(json), _) => Ok(json.clone()),
                // Nothing to ask here is nothing to ask there.
                (_, Failed::NoElements) => Err(Failed::NoElements),
                _ => Err(Failed::Dependency),
            },
            Self::NotMade | Self::Many { .. } => Err(Failed::Dependency),
        }
    }
}
