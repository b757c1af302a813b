//! How much was told, and one number for it: two who have the same events in the same order have the same number.

use serde::{Deserialize, Serialize};
use tradewind_events::{Position, Recorded};
use xxhash_rust::xxh3::Xxh3;

/// Takes in events in their order. What two have taken in is the same, with near certainty, if their digests are; it
/// proves nothing against somebody who forges events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest {
    count: u64,
    value: u128,
}

/// What `/digest` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The position behind which it begins.
    pub after: Position,
    /// The position with which it ends.
    pub through: Position,
    /// How many events there are between.
    pub count: u64,
    /// The digest of all of them.
    pub checksum: String,
}

impl Digest {
    /// Goes on from another's checksum, with a count of its own; none if it is no checksum.
    #[must_use]
    pub fn going_on_from(checksum: &str) -> Option<Self> {
        let is_hex = checksum.len() == 32 && checksum.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let value = is_hex.then(|| u128::from_str_radix(checksum, 16).ok()).flatten()?;
        Some(Self { count: 0, value })
    }

    /// Takes in the next event: all that a contract says, and where it stands.
    pub fn take(&mut self, event: &Recorded) {
        let mut hash = Xxh3::new();
        hash.update(&self.value.to_le_bytes());
        hash.update(&event.position().0.to_le_bytes());
        hash.update(event.id().0.as_bytes());
        hash.update(&event.time().micros().to_le_bytes());
        let tags = event.tags_text();
        for part in [event.stream().as_bytes(), event.event_type().as_bytes(), tags.as_bytes(), event.data()] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        self.value = hash.digest128();
        self.count += 1;
    }

    /// How many events it has taken in.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What stands for them: 32 hexadecimal digits.
    #[must_use]
    pub fn checksum(&self) -> String {
        format!("{:032x}", self.value)
    }
}
