//! W3C trace context: one id for all that a request brings about.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;
use uuid::fmt::Simple;

const PARENT: HeaderName = HeaderName::from_static("traceparent");
const STATE: HeaderName = HeaderName::from_static("tracestate");

/// Passes the trace on if the request has a sensible one, else begins one. What other traces' owners added to a bad one
/// is of no use then.
pub(crate) fn pass_on(headers: &mut HeaderMap) {
    let mut parents = headers.get_all(PARENT).iter();
    let good = parents.next().is_some_and(|parent| is_parent(parent.as_bytes())) && parents.next().is_none();
    if good {
        return;
    }
    headers.remove(STATE);
    if let Ok(value) = HeaderValue::from_bytes(&begun(fastrand::u128(1..), fastrand::u64(1..))) {
        headers.insert(PARENT, value);
    }
}

/// The trace that a request is part of.
pub(crate) fn id(headers: &HeaderMap) -> Option<&str> {
    let parent = headers.get(PARENT).filter(|parent| is_parent(parent.as_bytes()))?;
    parent.to_str().ok()?.get(3..35)
}

/// A trace that begins. Nobody has recorded anything of it yet: no flag is set.
fn begun(trace: u128, span: u64) -> [u8; 55] {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    let (trace, span) = (Uuid::from_u128(trace), Uuid::from_u64_pair(span, 0));
    // As UUIDs, which are written as hexadecimal in a fraction of the time that formatting takes.
    let mut hex = [0; Simple::LENGTH];
    text[3..35].copy_from_slice(trace.simple().encode_lower(&mut hex).as_bytes());
    text[36..52].copy_from_slice(&span.simple().encode_lower(&mut hex).as_bytes()[..16]);
    text
}

/// `version-trace-parent-flags` in lower-case hexadecimal, none of the ids zero. A later version may have more behind.
fn is_parent(value: &[u8]) -> bool {
    let (Some(known), rest) = (value.get(..55), value.get(55..).unwrap_or_default()) else { return false };
    let hex = |part: &[u8]| part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let parts = [&known[..2], &known[3..35], &known[36..52], &known[53..]];
    let dashes = [known[2], known[35], known[52]] == *b"---";
    let is_something = |part: &[u8]| part.iter().any(|b| *b != b'0');
    let fits = if parts[0] == b"00" { rest.is_empty() } else { rest.is_empty() || rest[0] == b'-' };
    dashes
        && fits
        && parts.iter().all(|part| hex(part))
        && parts[0] != b"ff"
        && is_something(parts[1])
        && is_something(parts[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_that_begins_is_one() {
        let (trace, span) = (0x0123_4567_89ab_cdef_0011_2233_4455_6677, 0x0a0b_0c0d_0e0f_1011);
        let text = begun(trace, span);
        assert_eq!(&text, b"00-0123456789abcdef0011223344556677-0a0b0c0d0e0f1011-00");
        assert!(is_parent(&text));
    }
}
