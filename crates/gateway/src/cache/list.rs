//! Header fields that are comma-separated lists (RFC 9110 §5.6.1), with quoted strings that may hold commas.

use http::{HeaderMap, HeaderName};

/// The members of a list field, over all its lines and in their order, without the white space around them. Empty
/// members are left out, as the RFC wants it.
pub(crate) fn members<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).into_iter().flat_map(|line| split(line.as_bytes(), b',')).filter(|member| !member.is_empty())
}

/// Splits at a separator that stands outside quoted strings, and trims what is between.
pub(crate) fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |&byte| {
        if escaped {
            escaped = false;
            return false;
        }
        match byte {
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        byte == separator && !quoted
    })
    .map(<[u8]>::trim_ascii)
}
