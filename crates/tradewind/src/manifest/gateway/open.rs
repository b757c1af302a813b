//! `[gateway.open]`: pages for people, whose URLs `up` prints.

use crate::manifest::section::{Problems, Section};

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenPage {
    /// What people know it by.
    pub(crate) label: String,
    /// Its path on the gateway, perhaps with a query and a fragment.
    pub(crate) path: String,
    /// The line on which it stands, from 1.
    pub(crate) line: usize,
}

/// Reads them.
pub(super) fn read(section: &Section<'_>, problems: &Problems<'_>) -> Vec<OpenPage> {
    let mut pages = Vec::new();
    for (label, path) in section.texts() {
        if !path.value.starts_with('/') {
            let message = format!("the page {:?} is not a path", path.value);
            problems.add(path.span.clone(), message, "write a path on the gateway, as \"/\"");
        }
        pages.push(OpenPage { line: problems.line(&label.span), label: label.value, path: path.value });
    }
    pages
}
