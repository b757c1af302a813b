//! What is wrong with a manifest, shown where it is.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use tradewind_events::ErrorCode;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where in the text, in bytes.
    pub(crate) span: Range<usize>,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: String,
    /// Its stable code: that of any manifest that is wrong, or a more telling one.
    pub(crate) code: ErrorCode,
}

/// One thing that is allowed, and probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warning {
    /// Where in the text.
    pub(crate) place: LineColumn,
    /// What is odd.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: String,
}

/// All that is wrong with one manifest.
#[derive(Debug, thiserror::Error)]
pub(crate) struct ManifestError {
    pub(crate) file: PathBuf,
    pub(crate) text: String,
    pub(crate) problems: Vec<Problem>,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            self.show(problem, f)?;
        }
        Ok(())
    }
}

/// Where something stands in a text, both from 1; a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineColumn {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl ManifestError {
    /// Where each problem begins.
    pub(crate) fn places(&self) -> impl Iterator<Item = (LineColumn, &Problem)> {
        self.problems.iter().map(|problem| (line_column(&self.text, problem.span.start), problem))
    }

    /// The message with its place, the line itself with the words marked, and the help.
    fn show(&self, problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.text.floor_char_boundary(problem.span.start.min(self.text.len()));
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let LineColumn { line: number, column } = line_column(&self.text, start);
        let end = self.text.floor_char_boundary(problem.span.end.min(line_start + line.len()));
        let marks = self.text.get(start..end).map_or(1, |marked| marked.chars().count()).max(1);
        let margin = " ".repeat(number.to_string().len());
        write!(f, "{}:{number}:{column}: {}", self.file.display(), problem.message)?;
        if problem.code != ErrorCode::BAD_MANIFEST {
            write!(f, " [{}]", problem.code)?;
        }
        writeln!(f)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {line}")?;
        writeln!(f, "{margin} | {}{}", " ".repeat(column - 1), "^".repeat(marks))?;
        write!(f, "{margin} = help: {}", problem.help)
    }
}

/// The line and column of a byte.
pub(super) fn line_column(text: &str, byte: usize) -> LineColumn {
    let before = &text[..text.floor_char_boundary(byte.min(text.len()))];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    LineColumn { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}
