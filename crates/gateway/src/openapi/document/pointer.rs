//! Where in a document something stands (RFC 6901).

use std::fmt;

/// A JSON pointer, shown as a fragment: `#/paths/~1products/get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(String);

impl Pointer {
    /// The member or element of this name.
    #[must_use]
    pub fn at(&self, name: &str) -> Self {
        let mut deeper = self.clone();
        deeper.push(name);
        deeper
    }

    pub(super) fn push(&mut self, name: &str) {
        self.0.push('/');
        for c in name.chars() {
            match c {
                '~' => self.0.push_str("~0"),
                '/' => self.0.push_str("~1"),
                c => self.0.push(c),
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Back to where it was that long.
    pub(super) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What a reference such as `#/components/schemas/Product` says as a pointer that `serde_json` follows; nothing, if it
/// leads out of its document, or is no pointer.
pub(crate) fn within(reference: &str) -> Option<std::borrow::Cow<'_, str>> {
    let fragment = reference.strip_prefix('#')?;
    if !fragment.is_empty() && !fragment.starts_with('/') {
        return None;
    }
    percent_encoding::percent_decode_str(fragment).decode_utf8().ok()
}
