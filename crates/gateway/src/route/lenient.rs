//! Paths as the most lenient of services read them: with what is encoded decoded, backslashes as slashes, and without what
//! stands behind a semicolon. What is seen so is refused; what a route takes is never decided by it.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What stands between slashes. Nothing is left out: an empty segment is one.
fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let without_parameters = |segment| <[u8]>::split(segment, |byte| *byte == b';').next().unwrap_or_default();
    path.split(|byte| matches!(byte, b'/' | b'\\')).map(without_parameters)
}

/// Whether a path has a `.` or `..` segment. Some service would resolve it, and so see another path than the one that was
/// routed: `/public/..%2fprivate` is `/private` to who decodes first, and `/public/..;/private` to who takes `;` for the
/// beginning of a parameter (RFC 3986 §3.3).
pub(super) fn has_dot_segment(path: &str) -> bool {
    // Hardly any path has one of them.
    if !path.contains("/.") && !path.contains(['%', '\\']) {
        return false;
    }
    let plain: Cow<'_, [u8]> = percent_decode_str(path).into();
    segments(&plain).any(|segment| matches!(segment, b"." | b".."))
}

/// Whether a path lies under `/admin`, where services have what they offer their operators.
pub(super) fn is_for_operators(path: &str) -> bool {
    let plain: Cow<'_, [u8]> = percent_decode_str(path).into();
    segments(&plain).find(|segment| !segment.is_empty()).is_some_and(|first| first.eq_ignore_ascii_case(b"admin"))
}
