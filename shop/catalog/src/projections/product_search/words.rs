//! What a person typed, as the full-text index wants it.

/// How many words count; more than a person types.
const WORDS_MAX: usize = 12;

/// Words to be matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Words {
    /// Nothing was typed: everything matches.
    Any,
    /// Signs without a word: nothing is called that.
    Never,
    /// An expression for FTS5.
    Match(String),
}

impl Words {
    /// Each word in quotes, so that nothing in it is an operator; the last may be the beginning of one.
    pub(super) fn typed(text: &str) -> Self {
        let words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .take(WORDS_MAX)
            .map(|word| format!("\"{word}\""))
            .collect();
        match (words.is_empty(), text.trim().is_empty()) {
            (true, true) => Self::Any,
            (true, false) => Self::Never,
            (false, _) => Self::Match(words.join(" ") + "*"),
        }
    }
}
