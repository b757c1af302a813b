//! JSON strings and numbers, written straight into a buffer and read without copying where that is possible.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Writes a JSON string.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    // Nearly every name needs no escape; then it is one copy.
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else if serde_json::to_writer(&mut *out, text).is_err() {
        // Writing a str into a Vec cannot fail.
        out.extend_from_slice(b"\"\"");
    }
}

/// Writes what a value displays as, unquoted and unescaped: numbers.
pub(super) fn write_plain(out: &mut Vec<u8>, value: impl Display) {
    struct Bytes<'a>(&'a mut Vec<u8>);
    impl fmt::Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    // Writing into a Vec cannot fail.
    let _ = write!(Bytes(out), "{value}");
}

/// Writes what a value displays as, in quotes; for values that never need an escape: ids, times.
pub(super) fn write_quoted(out: &mut Vec<u8>, value: impl Display) {
    out.push(b'"');
    write_plain(out, value);
    out.push(b'"');
}

/// Writes JSON that somebody else made, on one line: between tokens a space is as good as a line's end, and inside
/// a string there are no raw line ends.
pub(super) fn write_json(out: &mut Vec<u8>, json: &[u8]) {
    let start = out.len();
    out.extend_from_slice(json);
    if json.iter().any(|b| matches!(b, b'\n' | b'\r')) {
        for byte in &mut out[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
}

/// A JSON string, borrowed from the input unless it has escapes.
#[derive(Debug, Clone, Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}
