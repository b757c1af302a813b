//! A part of a reaction's events, by their keys.

/// Into how many shares a reaction may be split.
pub(crate) const SHARES_MAX: u16 = 16;

/// Which part of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    /// From 0.
    pub(crate) index: u16,
    pub(crate) of: u16,
}

impl Share {
    /// All of them.
    pub(crate) fn all(of: u16) -> impl Iterator<Item = Self> {
        (0..of).map(move |index| Self { index, of })
    }

    /// Whether a key's events are in it. The same on every machine and for ever: checkpoints depend on it.
    pub(crate) fn has(self, key: &str) -> bool {
        let hash = fnv(key.as_bytes());
        hash % u64::from(self.of) == u64::from(self.index)
    }

    /// That of a name which ends so.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let (index, of) = name.rsplit_once('~')?.1.split_once("-of-")?;
        let (index, of) = (index.parse::<u16>().ok()?.checked_sub(1)?, of.parse().ok()?);
        (index < of && of <= SHARES_MAX).then_some(Self { index, of })
    }

    /// What is added to the reaction's name: `~3-of-16`.
    pub(crate) fn suffix(self) -> String {
        format!("~{}-of-{}", self.index + 1, self.of)
    }
}

/// FNV-1a, and its bits mixed: its lowest alone are not even enough.
fn fnv(bytes: &[u8]) -> u64 {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

#[cfg(test)]
mod tests;
