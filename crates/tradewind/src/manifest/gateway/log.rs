//! `[gateway.log]`: whether each request is logged, how, and where.

use std::path::PathBuf;

use tradewind_gateway::{AccessFormat, AccessLogOptions};

use crate::manifest::section::{At, Entry, Problems, Section};

/// The access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessSection {
    /// What a line looks like, and how many may wait.
    pub(crate) options: AccessLogOptions,
    /// The file, from the manifest's folder; none for among what `up` tells.
    pub(crate) file: Option<PathBuf>,
    /// The line on which that stands, from 1.
    pub(crate) line: usize,
}

const EXAMPLE: &str = "\"logs/access.log\"";
const HELP: &str = "it is \"json\" or \"text\", for among what `up` tells, or a file: \"logs/access.log\"";

/// Reads the section.
pub(super) fn read(log: &Section<'_>, problems: &Problems<'_>) -> Option<AccessSection> {
    let line = problems.line(&log.place_of("access"));
    let access = log.entry("access", "the access log", EXAMPLE).and_then(|entry| match entry {
        Entry::Text(text) => read_short(log, text, line),
        Entry::Table(table) => Some(read_table(&table, line)),
    });
    log.report_unknown();
    access
}

fn read_short(log: &Section<'_>, text: At<String>, line: usize) -> Option<AccessSection> {
    let options = AccessLogOptions::default();
    match (format(&text.value), text.value.contains(['/', '.'])) {
        (Some(format), _) => Some(AccessSection { options: AccessLogOptions { format, ..options }, file: None, line }),
        (None, true) => Some(AccessSection { options, file: Some(text.value.into()), line }),
        (None, false) => log.refuse(text.span, format!("{:?} is no access log", text.value), HELP),
    }
}

fn read_table(table: &Section<'_>, line: usize) -> AccessSection {
    let usual = AccessLogOptions::default();
    let read_format = |text: At<String>| match format(&text.value) {
        Some(format) => Some(format),
        None => table.refuse(text.span, format!("{:?} is no format", text.value), "it is \"json\" or \"text\""),
    };
    let options = AccessLogOptions {
        format: table.text("format", "\"json\"").and_then(read_format).unwrap_or_default(),
        query: table.flag("query").map_or(usual.query, |query| query.value),
        lines_at_most: table.number("lines", 1, 1_000_000, "8192").map_or(usual.lines_at_most, |n| n.value as usize),
    };
    let file = table.text("file", EXAMPLE).map(|file| file.value.into());
    table.report_unknown();
    AccessSection { options, file, line }
}

fn format(text: &str) -> Option<AccessFormat> {
    match text {
        "json" => Some(AccessFormat::Json),
        "text" => Some(AccessFormat::Text),
        _ => None,
    }
}
