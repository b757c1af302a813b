//! `[gateway.open]`: pages for people, whose URLs `up` prints.

use crate::manifest::section::{Problems, Section};

/// Reads them, each a label and a path.
pub(super) fn read(section: &Section<'_>, problems: &Problems<'_>) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for (label, path) in section.texts() {
        if !path.value.starts_with('/') {
            let message = format!("the page {:?} is not a path", path.value);
            problems.add(path.span.clone(), message, "write a path on the gateway, as \"/\"");
        }
        pages.push((label.value, path.value));
    }
    pages
}
