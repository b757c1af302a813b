//! A service's OpenAPI 3.1 document: read once, checked as far as anything here relies on it, and kept as it came, so
//! that what nobody here knows is passed on.

mod kind;
mod operation;
mod path;
mod pointer;
mod verify;
mod walk;

use std::sync::Arc;

use serde_json::{Map, Value};

pub(crate) use kind::{Kind, METHODS};
pub(crate) use operation::{Operation, Parameter, json_schema};
pub(crate) use path::{base_of, best, fits, names_in};
pub use pointer::Pointer;
pub(crate) use pointer::within;
#[cfg(test)]
pub(crate) use walk::walk;
pub(crate) use walk::walk_mut;

/// A document. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Document(Arc<Value>);

/// Why a document is refused, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub struct DocumentError {
    /// The place.
    pub at: Pointer,
    /// What is wrong there.
    pub what: String,
}

impl DocumentError {
    fn new(at: &Pointer, what: impl Into<String>) -> Self {
        Self { at: at.clone(), what: what.into() }
    }
}

impl Document {
    /// Bytes of a document.
    pub const BYTES_MAX: usize = 8 << 20;
    /// Objects and lists within each other.
    pub const DEPTH_MAX: usize = 100;
    /// References that lead to a reference, and so on.
    pub const REFERENCES_MAX: usize = 32;

    /// Reads a document, as JSON.
    ///
    /// # Errors
    /// [`DocumentError`] says what is wrong, and where.
    pub fn parse(json: &[u8]) -> Result<Self, DocumentError> {
        let refused = |what: String| DocumentError::new(&Pointer::default(), what);
        if json.len() > Self::BYTES_MAX {
            return Err(refused(format!("it is larger than {} bytes", Self::BYTES_MAX)));
        }
        // It stops at a depth of 128 by itself.
        let value = serde_json::from_slice(json).map_err(|error| refused(format!("it is not JSON: {error}")))?;
        Self::new(value)
    }

    /// Takes a document that was read already.
    ///
    /// # Errors
    /// [`DocumentError`] says what is wrong, and where.
    pub fn new(value: Value) -> Result<Self, DocumentError> {
        verify::verify(&value)?;
        Ok(Self(Arc::new(value)))
    }

    /// A document that was made here of documents that were checked.
    pub(super) fn made(value: Value) -> Self {
        Self(Arc::new(value))
    }

    /// All of it.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// Indented, with a line's end: as it stands in a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        // A value that was read always can be written.
        serde_json::to_string_pretty(&*self.0).unwrap_or_default() + "\n"
    }

    /// What a reference leads to.
    pub(crate) fn target(&self, reference: &str) -> Option<&Value> {
        self.0.pointer(&within(reference)?)
    }

    /// The part itself, or what it refers to. Not for schemas, in which a reference stands beside other words.
    pub(crate) fn resolve<'d>(&'d self, part: &'d Value) -> &'d Value {
        let mut part = part;
        for _ in 0..Self::REFERENCES_MAX {
            match part.get("$ref").and_then(Value::as_str).and_then(|reference| self.target(reference)) {
                Some(target) => part = target,
                None => break,
            }
        }
        part
    }

    /// An object's member that is an object.
    pub(crate) fn object<'d>(&'d self, names: &[&str]) -> Option<&'d Map<String, Value>> {
        names.iter().try_fold(&*self.0, |value, name| value.get(name))?.as_object()
    }

    /// The paths, each with its item.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
        let paths = self.object(&["paths"]).into_iter().flatten().filter(|(path, _)| path.starts_with('/'));
        paths.filter_map(|(path, item)| Some((&**path, self.resolve(item).as_object()?)))
    }

    /// All operations.
    pub(crate) fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        self.paths().flat_map(move |(path, item)| {
            METHODS.into_iter().filter_map(move |method| {
                let value = item.get(method)?.as_object()?;
                Some(Operation { document: self, path, method, item, value })
            })
        })
    }
}

#[cfg(test)]
mod tests;
