//! What a newer document takes from those who rely on an older one.
//!
//! Whoever asks may go on asking as before: what was taken is taken, and nothing more is needed. Whoever reads answers
//! may go on reading as before: what comes is what could come. So schemas of requests may only grow wider and those of
//! answers only narrower, and a change that does neither is named, in the words that tools of the field use for it.

mod operation;
mod schema;

use std::collections::BTreeMap;
use std::fmt;

use super::Document;
use super::check::nameless;
use super::document::Operation;

/// A change that breaks somebody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The operation, as `GET /products/{id}`, and where in it: `answer 200, .items[].name`.
    pub at: String,
    /// What has changed.
    pub what: String,
    /// What such a change is called: `response-property-became-optional`.
    pub kind: &'static str,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.at, self.what, self.kind)
    }
}

/// The changes from an older document to a newer one that break somebody, by place.
#[must_use]
pub fn breaking(old: &Document, new: &Document) -> Vec<Change> {
    let mut now: BTreeMap<(String, &'static str), Operation<'_>> = BTreeMap::new();
    for operation in new.operations() {
        now.insert((nameless(&operation.full_path()), operation.method), operation);
    }
    let mut changes = Vec::new();
    for operation in old.operations() {
        let shape = nameless(&operation.full_path());
        let at = format!("{} {}", operation.method.to_ascii_uppercase(), operation.full_path());
        if let Some(new) = now.get(&(shape.clone(), operation.method)) {
            operation::compare(&at, &operation, new, &mut changes);
            continue;
        }
        let (what, kind) = match now.keys().any(|(path, _)| *path == shape) {
            true => ("the method is there no more", "api-operation-removed"),
            false => ("the path is there no more", "api-path-removed"),
        };
        changes.push(Change { at, what: what.to_owned(), kind });
    }
    changes.sort();
    changes.dedup();
    changes
}

#[cfg(test)]
mod tests;
