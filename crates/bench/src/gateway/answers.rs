//! What the service answers, so that whoever asks can tell whether that is what came.

use std::fmt::Write as _;
use std::time::Duration;

/// How long each answer's body is.
pub(super) const BODY_BYTES: usize = 1_024;

/// One kind of answer: all paths below its prefix get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// The first segment of its paths.
    pub(super) segment: &'static str,
    /// What its `Cache-Control` says, if it has one.
    pub(super) cache_control: Option<&'static str>,
}

/// For how long an answer of [`STALE`] is fresh.
pub(super) const FRESH_FOR: Duration = Duration::from_secs(1);

/// Passed through.
pub(super) const PLAIN: Kind = Kind { segment: "plain", cache_control: None };
/// Passed through by a route that looks at who asks, and how often.
pub(super) const GUARDED: Kind = Kind { segment: "guarded", cache_control: None };
/// Stored for as long as anybody measures.
pub(super) const CACHED: Kind = Kind { segment: "cached", cache_control: Some("max-age=86400") };
/// Stored for a moment: [`FRESH_FOR`].
pub(super) const STALE: Kind = Kind { segment: "stale", cache_control: Some("max-age=1") };
/// For how long after that it may be answered if the service fails.
pub(super) const STALE_MOST: Duration = Duration::from_secs(600);
/// The first segment of what is composed.
pub(super) const COMPOSED: &str = "composed";
/// Of what it is composed: three answers in one.
pub(super) const PARTS: [Kind; 3] = [
    Kind { segment: "product", cache_control: None },
    Kind { segment: "reviews", cache_control: None },
    Kind { segment: "stock", cache_control: None },
];

/// All that the service answers.
pub(super) const ALL: [Kind; 7] = [PLAIN, GUARDED, CACHED, STALE, PARTS[0], PARTS[1], PARTS[2]];

impl Kind {
    /// A path of it.
    pub(super) fn path(self) -> String {
        format!("/{}/1", self.segment)
    }

    /// The body: an object of some fields and a list, as services answer.
    pub(super) fn body(self) -> Vec<u8> {
        let mut text = format!(
            "{{\"kind\":\"{}\",\"internal\":\"not for everybody\",\"name\":\"Oranges, 1 kg\",\"price_cents\":299,\"items\":[",
            self.segment
        );
        let end = "],\"note\":\"\"}";
        let mut number = 0;
        loop {
            let item =
                format!("{}{{\"id\":{number},\"text\":\"number {number}\"}}", if number == 0 { "" } else { "," });
            if text.len() + item.len() + end.len() > BODY_BYTES {
                break;
            }
            text.push_str(&item);
            number += 1;
        }
        let fill = BODY_BYTES - text.len() - end.len();
        // Writing to a string does not fail.
        let _ = write!(text, "],\"note\":\"{}\"}}", "x".repeat(fill));
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_json_of_just_so_many_bytes() {
        for kind in ALL {
            let body = kind.body();
            assert_eq!(body.len(), BODY_BYTES);
            let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(value["kind"], kind.segment);
        }
    }
}
