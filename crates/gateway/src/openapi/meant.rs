//! What somebody probably meant.

/// The name that was probably meant: at most three letters off, fewer in a short one.
pub(super) fn closest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let far = |name: &&str| strsim::damerau_levenshtein(wrong, name);
    let best = names.min_by_key(far)?;
    (far(&best) <= (best.len() / 3).clamp(1, 3)).then_some(best)
}
