//! Each try is a span of its own in its request's trace (W3C trace context): a service that records what it does can tell
//! one try from another.

use http::{HeaderMap, HeaderName, HeaderValue};

const PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Where `version-trace-span-flags` has its span.
const SPAN: std::ops::Range<usize> = 36..52;

/// The length of what is known of it; a later version may have more.
const KNOWN: usize = 55;

/// Gives the request another span id, in the trace that it is part of, if it is.
pub(super) fn begin(headers: &mut HeaderMap) {
    let known = headers.get(PARENT).and_then(|parent| parent.as_bytes().first_chunk::<KNOWN>());
    let Some(mut parent) = known.copied() else { return };
    let span = fastrand::u64(1..);
    for (index, byte) in parent[SPAN].iter_mut().enumerate() {
        let nibble = (span >> (60 - 4 * index)) & 0xf;
        *byte = b"0123456789abcdef"[nibble as usize];
    }
    // It says what version 0 can, whatever it was before.
    parent[..2].copy_from_slice(b"00");
    if let Ok(value) = HeaderValue::from_bytes(&parent) {
        headers.insert(PARENT, value);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{PARENT, begin};

    #[test]
    fn the_trace_and_its_flags_stay_and_the_span_is_another() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let begun = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(PARENT, text.parse().unwrap());
            begin(&mut headers);
            headers[PARENT].to_str().unwrap().to_owned()
        };
        let (one, other) = (begun(trace), begun(trace));
        for span in [&one, &other] {
            assert_eq!((&span[..36], &span[52..], span.len()), (&trace[..36], &trace[52..], 55));
            assert!(span[36..52].bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()), "{span}");
        }
        assert!(one != other && one != trace);
        assert!(begun(&format!("cc{}-more", &trace[2..])).starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert_eq!(begun("nonsense"), "nonsense");
        let mut none = HeaderMap::new();
        begin(&mut none);
        assert!(none.is_empty());
    }
}
