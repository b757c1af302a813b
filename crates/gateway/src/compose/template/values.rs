//! What stands in a path and query where its template has holes.

use percent_encoding::percent_decode_str;

use super::{Hole, Otherwise, Source, Template, TemplatePiece};

impl Hole {
    /// What its values are called: the parameter, or the last member on the way to them.
    fn name(&self) -> &str {
        match &self.source {
            Source::Parameter { name, .. } => name,
            Source::Call { name, path } => path.fields().last().copied().unwrap_or(name),
            Source::Element(path) => path.fields().last().copied().unwrap_or("each"),
        }
    }
}

impl Template {
    /// The holes that end where it can be seen: what fills them is encoded, so that it has none of the characters that
    /// separate the parts of a path and query.
    fn seen(&self) -> impl Iterator<Item = (usize, &Hole)> {
        self.pieces.iter().enumerate().filter_map(|(index, piece)| {
            let TemplatePiece::Hole(hole) = piece else { return None };
            let ends = match self.pieces.get(index + 1) {
                None => true,
                Some(TemplatePiece::Hole(_)) => false,
                Some(TemplatePiece::Literal(text)) => !text.starts_with(is_of_value),
            };
            ends.then_some((index, hole))
        })
    }

    fn may_be_left_out(&self, index: usize) -> bool {
        let left_out = |hole: &Hole| matches!(hole.source, Source::Parameter { otherwise: Otherwise::LeftOut, .. });
        matches!(self.pieces.get(index), Some(TemplatePiece::Hole(hole)) if left_out(hole))
    }

    /// The names of what it can be asked for.
    pub(in crate::compose) fn value_names(&self) -> impl Iterator<Item = &str> {
        self.seen().map(|(_, hole)| hole.name())
    }

    /// What stands in a target that was made of it, by name; several values of a list under the same name.
    pub(in crate::compose) fn values_in(&self, target: &str) -> Vec<(String, String)> {
        let (mut values, mut rest, mut is_left_out) = (Vec::new(), target, false);
        for (index, piece) in self.pieces.iter().enumerate() {
            match piece {
                TemplatePiece::Literal(text) => {
                    let whole = skip(rest, text);
                    is_left_out = whole.is_none() && self.may_be_left_out(index + 1);
                    let found = match is_left_out {
                        true => skip(rest, &text[..text.rfind(['?', '&']).unwrap_or(text.len())]),
                        // Behind a hole whose end cannot be seen.
                        false => whole.or_else(|| Some(rest.split_once(&**text)?.1)),
                    };
                    let Some(after) = found else { return values };
                    rest = after;
                }
                TemplatePiece::Hole(_) if is_left_out => {}
                TemplatePiece::Hole(hole) if self.seen().any(|(seen, _)| seen == index) => {
                    let end = rest.find(|c| !is_of_value(c)).unwrap_or(rest.len());
                    let found = rest[..end].split(',').filter(|value| !value.is_empty());
                    let decoded = found.map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned());
                    values.extend(decoded.map(|value| (hole.name().to_owned(), value)));
                    rest = &rest[end..];
                }
                TemplatePiece::Hole(_) => {}
            }
        }
        values
    }
}

/// What stands behind a literal. If all parameters before it were left out, it begins the query.
fn skip<'t>(target: &'t str, literal: &str) -> Option<&'t str> {
    let begins = || target.strip_prefix('?')?.strip_prefix(literal.strip_prefix('&')?);
    target.strip_prefix(literal).or_else(begins)
}

/// What a hole may be filled with: unreserved characters, encoded ones, and commas between several.
fn is_of_value(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~%,".contains(c)
}
