//! A path and query, once the values are known.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Otherwise, Source, Template, TemplatePiece};
use crate::compose::{CompositionLimits, Failed};

/// All but the unreserved characters (RFC 3986, 2.3): a value can never end its segment or its query parameter.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why there is no path and query.
#[derive(Debug)]
pub(in crate::compose) enum NotRendered {
    /// The request lacks a parameter, or it cannot be used.
    Parameter(String),
    /// An earlier answer's value is the reason.
    Value(Failed),
}

impl Template {
    /// Fills the holes; `value_of` knows what is in them, by their number and source.
    pub(in crate::compose) fn render<'v>(
        &'v self,
        limits: &CompositionLimits,
        mut value_of: impl FnMut(usize, &'v Source) -> Result<Vec<Cow<'v, str>>, NotRendered>,
    ) -> Result<String, NotRendered> {
        let (mut target, mut number, mut in_query) = (String::with_capacity(128), 0, false);
        for piece in &self.pieces {
            match piece {
                TemplatePiece::Literal(text) => {
                    push_literal(&mut target, text, in_query);
                    in_query |= text.contains('?');
                }
                TemplatePiece::Hole(hole) => {
                    let found = value_of(number, &hole.source)?;
                    number += 1;
                    if !found.iter().all(|value| usable(value, hole.in_query, limits)) {
                        return Err(NotRendered::of(&hole.source));
                    }
                    match &hole.source {
                        Source::Parameter { otherwise: Otherwise::LeftOut, .. } if found.is_empty() => {
                            leave_out(&mut target);
                        }
                        _ => push(&mut target, &found),
                    }
                }
            }
        }
        let path = target.split('?').next().unwrap_or_default();
        if path.split('/').any(|segment| segment == "." || segment == "..") {
            // The author's own text has none, so a value has made it.
            let in_path = self.holes().filter(|hole| !hole.in_query).map(|hole| &hole.source);
            return Err(in_path.last().map_or(NotRendered::Value(Failed::Value), NotRendered::of));
        }
        if target.len() > limits.target_bytes {
            return Err(NotRendered::Value(Failed::TooMany));
        }
        Ok(target)
    }
}

impl Template {
    /// The path and query with those holes filled of which `value_of` knows what is in them, and the others as their
    /// author wrote them.
    pub(in crate::compose) fn outlined<'v>(&'v self, value_of: impl Fn(&'v Source) -> Option<Cow<'v, str>>) -> String {
        let (mut target, mut in_query) = (String::with_capacity(128), false);
        for piece in &self.pieces {
            match piece {
                TemplatePiece::Literal(text) => {
                    push_literal(&mut target, text, in_query);
                    in_query |= text.contains('?');
                }
                TemplatePiece::Hole(hole) => match (value_of(&hole.source), &hole.source) {
                    (Some(value), _) => push(&mut target, &[value]),
                    (None, Source::Parameter { otherwise: Otherwise::LeftOut, .. }) => leave_out(&mut target),
                    (None, source) => target.push_str(&format!("{{{source}}}")),
                },
            }
        }
        target
    }
}

impl NotRendered {
    fn of(source: &Source) -> Self {
        match source {
            Source::Parameter { name, .. } => Self::Parameter(name.to_string()),
            Source::Call { .. } | Source::Element(_) => Self::Value(Failed::Value),
        }
    }
}

/// Whether a value can stand in a hole: a segment of a path is never empty, and none is a dot or two, which services
/// would resolve.
pub(in crate::compose) fn usable(value: &str, in_query: bool, limits: &CompositionLimits) -> bool {
    value.len() <= limits.value_bytes && (in_query || !(value.is_empty() || value == "." || value == ".."))
}

/// Takes away the query parameter whose value would come next.
fn leave_out(target: &mut String) {
    target.truncate(target.rfind(['?', '&']).unwrap_or(target.len()));
}

/// Adds what the author wrote. If all of a query's parameters so far were left out, the next one begins it.
fn push_literal(target: &mut String, text: &str, in_query: bool) {
    match text.strip_prefix('&') {
        Some(next) if in_query && !target.contains('?') => {
            target.push('?');
            target.push_str(next);
        }
        _ => target.push_str(text),
    }
}

/// Adds a value, or several with commas between them.
fn push(target: &mut String, values: &[Cow<'_, str>]) {
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            target.push(',');
        }
        target.extend(utf8_percent_encode(value, RESERVED));
    }
}
