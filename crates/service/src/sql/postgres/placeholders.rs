//! SQLite's placeholders as PostgreSQL's.
//!
//! PostgreSQL gives each placeholder one type, which it finds where the placeholder stands, and finds none in
//! `:from IS NULL`. There stands, therefore, whether the value is null, as a value of its own.

use crate::sql::{Error, Result};

/// A statement with `$1` where `?1` or `:name` stood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rewritten {
    pub(super) sql: String,
    /// What PostgreSQL is given, in its order.
    pub(super) given: Vec<What>,
    /// The names, by number: the first is that of the value 1. Empty if the placeholders are numbered.
    pub(super) names: Vec<String>,
    /// How many values there must be.
    pub(super) values: usize,
}

/// What stands for one of PostgreSQL's placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The value with this number, from 1.
    Value(usize),
    /// Whether it is null.
    IsNull(usize),
}

impl Rewritten {
    /// The number under which PostgreSQL is given this.
    fn number(&mut self, what: What) -> usize {
        let known = self.given.iter().position(|other| *other == what);
        known.unwrap_or_else(|| {
            self.given.push(what);
            self.given.len() - 1
        }) + 1
    }

    /// Puts a value in; tells how much of the `rest` behind its placeholder goes with it.
    fn put(&mut self, value: usize, rest: &str) -> usize {
        self.values = self.values.max(value);
        if let Some(taken) = words(rest, &["IS", "NULL"]) {
            let number = self.number(What::IsNull(value));
            self.sql.push_str(&format!("${number}::bool"));
            return taken;
        }
        if let Some(taken) = words(rest, &["IS", "NOT", "NULL"]) {
            let number = self.number(What::IsNull(value));
            self.sql.push_str(&format!("(NOT ${number}::bool)"));
            return taken;
        }
        let number = self.number(What::Value(value));
        self.sql.push_str(&format!("${number}"));
        0
    }
}

/// Rewrites the placeholders outside of strings, quoted names and comments.
///
/// # Errors
/// If some are numbered and others named.
pub(super) fn rewrite(sql: &str) -> Result<Rewritten> {
    let (given, names) = (Vec::new(), Vec::new());
    let mut out = Rewritten { sql: String::with_capacity(sql.len()), given, names, values: 0 };
    let (mut rest, mut numbered) = (sql, false);
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' | '"' => quoted(rest, first),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            ':' if rest.starts_with("::") => 2,
            '?' => {
                let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                let number = match &rest[1..=digits] {
                    "" => out.values + 1,
                    digits => digits.parse().map_err(|_| Error::Placeholders(format!("?{digits} is out of bounds")))?,
                };
                numbered = true;
                rest = &rest[1 + digits..];
                let taken = out.put(number, rest);
                rest = &rest[taken..];
                continue;
            }
            ':' => {
                let length = rest[1..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
                if length > 0 {
                    let name = &rest[..=length];
                    let known = out.names.iter().position(|known| known == name);
                    let index = known.unwrap_or_else(|| {
                        out.names.push(name.to_owned());
                        out.names.len() - 1
                    });
                    rest = &rest[1 + length..];
                    let taken = out.put(index + 1, rest);
                    rest = &rest[taken..];
                    continue;
                }
                1
            }
            other => other.len_utf8(),
        };
        out.sql.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    if numbered && !out.names.is_empty() {
        return Err(Error::Placeholders("some are numbered, others named".to_owned()));
    }
    Ok(out)
}

/// How much of the text these words are, each behind a space, if it begins with them.
fn words(text: &str, words: &[&str]) -> Option<usize> {
    let mut rest = text;
    for word in words {
        let trimmed = rest.trim_start();
        let begins = trimmed.len() < rest.len() && trimmed.get(..word.len())?.eq_ignore_ascii_case(word);
        rest = begins.then(|| &trimmed[word.len()..])?;
    }
    let goes_on = rest.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (!goes_on).then_some(text.len() - rest.len())
}

/// How long a quoted piece is. A doubled quote in it reads as two pieces, which comes to the same.
fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests;
