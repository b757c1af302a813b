//! SQLite's placeholders as PostgreSQL's.

use crate::sql::{Error, Result};

/// A statement with `$1` where `?1` or `:name` stood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rewritten {
    pub(super) sql: String,
    /// The names, by number: the first is `$1`'s. Empty if the placeholders are numbered.
    pub(super) names: Vec<String>,
}

/// Rewrites the placeholders outside of strings, quoted names and comments.
///
/// # Errors
/// If some are numbered and others named.
pub(super) fn rewrite(sql: &str) -> Result<Rewritten> {
    let (mut out, mut names, mut last, mut numbered) = (String::with_capacity(sql.len()), Vec::new(), 0, false);
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' | '"' => quoted(rest, first),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            ':' if rest.starts_with("::") => 2,
            '?' => {
                let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                let number = match &rest[1..=digits] {
                    "" => last + 1,
                    digits => digits.parse().map_err(|_| Error::Placeholders(format!("?{digits} is out of bounds")))?,
                };
                last = number.max(last);
                numbered = true;
                out.push_str(&format!("${number}"));
                rest = &rest[1 + digits..];
                continue;
            }
            ':' => {
                let length = rest[1..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
                if length > 0 {
                    let name = &rest[..=length];
                    let known = names.iter().position(|known| known == name);
                    let index = known.unwrap_or_else(|| {
                        names.push(name.to_owned());
                        names.len() - 1
                    });
                    out.push_str(&format!("${}", index + 1));
                    rest = &rest[1 + length..];
                    continue;
                }
                1
            }
            other => other.len_utf8(),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    if numbered && !names.is_empty() {
        return Err(Error::Placeholders("some are numbered, others named".to_owned()));
    }
    Ok(Rewritten { sql: out, names })
}

/// How long a quoted piece is. A doubled quote in it reads as two pieces, which comes to the same.
fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests;
