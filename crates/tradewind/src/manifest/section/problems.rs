//! What is wrong with a manifest, all of it in one run.

use std::cell::RefCell;
use std::ops::Range;

use tradewind_events::ErrorCode;

use crate::manifest::problem::{Problem, Warning, line_column};

/// Collects all problems, so that one run tells them all.
pub(crate) struct Problems<'t> {
    text: &'t str,
    found: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Warning>>,
}

impl<'t> Problems<'t> {
    /// None, of a manifest's text.
    pub(crate) fn of(text: &'t str) -> Self {
        Self { text, found: RefCell::default(), warnings: RefCell::default() }
    }

    /// The line, from 1, on which something begins.
    pub(crate) fn line(&self, span: &Range<usize>) -> usize {
        line_column(self.text, span.start).line
    }

    /// Where a place in a text's value stands, by its line and column, from 1; the whole text, if it has escapes, which
    /// make a place in it another one in the file.
    pub(crate) fn within(&self, text: &Range<usize>, line: usize, column: usize) -> Range<usize> {
        let raw = self.text.get(text.clone()).unwrap_or_default();
        let is_long = raw.starts_with("\"\"\"") || raw.starts_with("'''");
        let inner = raw.get(if is_long { 3 } else { 1 }..).unwrap_or_default();
        // A line's end right behind the quotes is not part of the value.
        let inner =
            inner.strip_prefix("\r\n").or_else(|| inner.strip_prefix('\n')).filter(|_| is_long).unwrap_or(inner);
        let line_start = match line {
            0 | 1 => Some(0),
            later => inner.match_indices('\n').nth(later - 2).map(|(at, _)| at + 1),
        };
        let Some(line_start) = line_start.filter(|_| !(raw.starts_with('"') && raw.contains('\\'))) else {
            return text.clone();
        };
        let rest = &inner[line_start..];
        let offset = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
        let start = text.start + (raw.len() - inner.len()) + line_start + offset;
        start..(start + 1).min(text.end.max(start))
    }

    pub(crate) fn add(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.add_coded(ErrorCode::BAD_MANIFEST, span, message, help);
    }

    /// One that has a code of its own.
    pub(crate) fn add_coded(
        &self,
        code: ErrorCode,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let problem = Problem { span, message: message.into(), help: help.into(), code };
        let mut found = self.found.borrow_mut();
        // What holds for all routes is met once for each.
        if !found.contains(&problem) {
            found.push(problem);
        }
    }

    /// Something that is allowed, and probably not meant.
    pub(crate) fn warn(&self, span: &Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let place = line_column(self.text, span.start);
        self.warnings.borrow_mut().push(Warning { place, message: message.into(), help: help.into() });
    }

    /// What is probably not meant, in the order of the text.
    pub(crate) fn take_warnings(&self) -> Vec<Warning> {
        let mut warnings = self.warnings.take();
        warnings.sort_by_key(|warning| (warning.place.line, warning.place.column));
        warnings
    }

    /// In the order of the text.
    pub(crate) fn into_sorted(self) -> Vec<Problem> {
        let mut problems = self.found.into_inner();
        problems.sort_by_key(|problem| problem.span.start);
        problems
    }
}
