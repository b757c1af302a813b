//! What the seeder tells: how far it is, and what came of it.

use std::fmt;
use std::io::{IsTerminal, Write};

use serde::Serialize;

use super::plan::Counts;

/// What came of it. `lines.ordered` and all of `lines.not_ordered` add up to `lines.total`, and so for baskets and
/// products.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The products of the sample.
    pub products: Part,
    /// Its households, each of which becomes a customer.
    pub customers: Part,
    /// How often one of them moves during the year.
    pub moves: Part,
    /// Its baskets, each of which becomes an order.
    pub baskets: Part,
    /// Its lines.
    pub lines: Lines,
    /// How long it took.
    pub seconds: f64,
}

/// What came of one kind of thing.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// How many there are.
    pub total: u64,
    /// How many were added now.
    pub added: u64,
    /// How many the shop had already.
    pub already_there: u64,
    /// How many were left out, by reason.
    pub left_out: Counts,
    /// How many of those were left out since the shop refused them.
    pub refused: u64,
}

/// What came of the lines.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// How many there are.
    pub total: u64,
    /// How many are lines of orders, now or already.
    pub ordered: u64,
    /// How many are not, by reason.
    pub not_ordered: Counts,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { products, customers, moves, baskets, .. } = self;
        let parts = [("products", products), ("customers", customers), ("moves", moves), ("orders", baskets)];
        for (name, part) in parts {
            let Part { total, added, already_there, .. } = part;
            writeln!(f, "{name}: {added} added, {already_there} there already, of {total}")?;
            write_counts(f, &part.left_out, "left out")?;
        }
        writeln!(f, "order lines: {} of {}", self.lines.ordered, self.lines.total)?;
        write_counts(f, &self.lines.not_ordered, "not ordered")?;
        if parts.iter().all(|(_, part)| part.added == 0) {
            match parts.iter().map(|(_, part)| part.refused).sum() {
                0_u64 => writeln!(f, "nothing was added: the shop has it all already")?,
                refused => writeln!(f, "nothing was added: the shop refused {refused}, and has the rest already")?,
            }
        }
        write!(f, "done in {:.1} s", self.seconds)
    }
}

fn write_counts(f: &mut fmt::Formatter<'_>, counts: &Counts, what: &str) -> fmt::Result {
    for (reason, count) in counts {
        writeln!(f, "  {count:>6} {what}: {reason}")?;
    }
    Ok(())
}

/// How far one part of the work is: a bar that moves, if a person watches; else a line every tenth.
pub(crate) struct Progress {
    label: &'static str,
    total: u64,
    done: u64,
    bar: bool,
    silent: bool,
}

impl Progress {
    const BAR_CELLS: u64 = 30;
    /// How often a bar is drawn, at most: a year has hundreds of thousands of steps.
    const DRAWN_MAX: u64 = 1_000;

    pub(crate) fn new(label: &'static str, total: u64, silent: bool) -> Self {
        Self { label, total, done: 0, bar: std::io::stderr().is_terminal(), silent }
    }

    /// One more is done. What cannot be written is not: progress is no reason to fail.
    pub(crate) fn step(&mut self) {
        let tenth = |n: u64| n * 10 / self.total.max(1);
        let (before, now) = (tenth(self.done), tenth(self.done + 1));
        self.done += 1;
        if self.silent || self.total == 0 {
            return;
        }
        let (label, done, total) = (self.label, self.done, self.total);
        let mut out = std::io::stderr().lock();
        let _ = if self.bar {
            if done % (total / Self::DRAWN_MAX + 1) != 0 && done != total {
                return;
            }
            let filled = (done * Self::BAR_CELLS / total) as usize;
            let bar = format!("{}{}", "█".repeat(filled), "░".repeat(Self::BAR_CELLS as usize - filled));
            let end = if done == total { "\n" } else { "" };
            write!(out, "\r{label:<9} {bar} {done}/{total}{end}").and_then(|()| out.flush())
        } else if before != now {
            writeln!(out, "{label}: {done}/{total}")
        } else {
            Ok(())
        };
    }
}

#[cfg(test)]
mod tests;
