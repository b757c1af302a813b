//! How documents look on paper: one folder for each version of the layout that any document was ever written in.
//!
//! A document names its version, and is printed in that one for ever. So **a layout that has been used never changes**:
//! its golden files hold its bytes, and a test fails if they would differ. What is to look otherwise is a new version
//! beside the old one, which documents get from then on.

mod v1;

use std::fmt::Write;

use crate::archive::Document;

/// The version that documents get which are written now.
pub const CURRENT: u16 = 1;

/// All versions that there are.
pub const ALL: [u16; 1] = [1];

/// Why a document cannot be printed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrintError {
    /// Its layout is one that this program does not have: it was written by a later one.
    #[error("{number} is laid out as version {layout}, which this program does not have")]
    NoSuchLayout {
        /// Which document.
        number: String,
        /// The version that it names.
        layout: u16,
    },
    /// A font that this program carries cannot be used.
    #[error("a font cannot be used: {0}")]
    Font(String),
}

/// A document as a page of HTML, which needs nothing from anywhere else. The same document gives the same bytes.
///
/// # Errors
/// [`PrintError`] if this program does not have its layout.
pub fn html(document: &Document) -> Result<String, PrintError> {
    match document.layout() {
        1 => Ok(v1::html(document)),
        layout => Err(no_such_layout(document, layout)),
    }
}

/// A document as a PDF, which carries the letters that it needs. The same document gives the same bytes.
///
/// # Errors
/// [`PrintError`] if this program does not have its layout.
pub fn pdf(document: &Document) -> Result<Vec<u8>, PrintError> {
    match document.layout() {
        1 => v1::pdf(document).map_err(PrintError::Font),
        layout => Err(no_such_layout(document, layout)),
    }
}

fn no_such_layout(document: &Document, layout: u16) -> PrintError {
    PrintError::NoSuchLayout { number: document.number().to_owned(), layout }
}

impl Document {
    /// Its number.
    #[must_use]
    pub fn number(&self) -> &str {
        match self {
            Self::Invoice(invoice) => &invoice.number,
            Self::CreditNote(note) => &note.number,
        }
    }

    /// The version of its layout.
    #[must_use]
    pub fn layout(&self) -> u16 {
        match self {
            Self::Invoice(invoice) => invoice.layout,
            Self::CreditNote(note) => note.layout,
        }
    }
}

/// An amount as it is written in the United States: `$1,234.56`.
fn money(cents: u64) -> String {
    let digits = (cents / 100).to_string();
    let mut text = String::from("$");
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    let _ = write!(text, ".{:02}", cents % 100);
    text
}

#[cfg(test)]
pub(crate) mod tests;
