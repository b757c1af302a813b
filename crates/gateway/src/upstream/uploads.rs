//! How slowly a client may send a request's body while a service waits for it.

use std::time::Duration;

use tokio::time::Instant;

/// Less silence than this is none.
const LEAST: Duration = Duration::from_millis(1);

/// How slowly a client may send a request's body, as long as the head of the answer is not there. Only the time counts in
/// which the client is awaited: a service that takes what comes too slowly is not the client's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploads {
    /// How long a client may be silent, at once or in pieces that what it sends in between does not make good.
    pub silence: Duration,
    /// So many bytes make a second of silence good, up to all of it. Zero: any byte makes good all of it.
    pub bytes_per_second: u32,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { silence: Duration::from_secs(20), bytes_per_second: 240 }
    }
}

impl Uploads {
    /// The silence that is put up with at once.
    pub(super) fn silence(self) -> Duration {
        self.silence.max(LEAST)
    }
}

/// The silence that is left to a client: it grows with what is sent, and never over what is put up with at once. So nobody
/// keeps a service waiting with a byte now and then, however much was sent before.
#[derive(Debug)]
pub(super) struct Allowance {
    uploads: Uploads,
    left: Duration,
    silent_since: Option<Instant>,
}

impl Allowance {
    pub(super) fn new(uploads: Uploads) -> Self {
        Self { uploads, left: uploads.silence(), silent_since: None }
    }

    /// Nothing has come, and somebody waits for it.
    pub(super) fn is_awaited(&mut self) {
        self.silent_since.get_or_insert_with(Instant::now);
    }

    /// So much has come.
    pub(super) fn has_come(&mut self, bytes: u64, now: Instant) {
        if let Some(since) = self.silent_since.take() {
            self.left = self.left.saturating_sub(now.saturating_duration_since(since));
        }
        let silence = self.uploads.silence();
        if self.left < silence && bytes > 0 {
            let second = Duration::from_secs(bytes).checked_div(self.uploads.bytes_per_second);
            self.left = second.map_or(silence, |made_good| self.left.saturating_add(made_good).min(silence));
        }
    }

    /// When the client has been silent for too long; nothing, if it is not waited for.
    pub(super) fn ends(&self) -> Option<Instant> {
        self.silent_since.map(|since| since + self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    /// How much silence is left after these pieces, of which each comes after so many milliseconds; none if one is too late.
    fn left(uploads: Uploads, pieces: impl IntoIterator<Item = (u64, u64)>) -> Option<Duration> {
        let mut allowance = Allowance::new(uploads);
        for (after, bytes) in pieces {
            allowance.is_awaited();
            let now = allowance.silent_since.unwrap() + ms(after);
            if allowance.ends().unwrap() <= now {
                return None;
            }
            allowance.has_come(bytes, now);
            assert_eq!(allowance.ends(), None, "nobody waits");
        }
        Some(allowance.left)
    }

    #[test]
    fn silence_is_made_good_by_what_is_sent_and_dripping_makes_none_good() {
        let uploads = Uploads { silence: ms(2_000), bytes_per_second: 100 };
        assert_eq!(left(uploads, [(1_500, 0)]), Some(ms(500)));
        assert_eq!(left(uploads, [(1_500, 50)]), Some(ms(1_000)));
        assert_eq!(left(uploads, [(1_500, 10_000_000_000)]), Some(ms(2_000)), "no more than at once");
        assert_eq!(left(uploads, [(2_000, 1)]), None);
        // A byte every 100 ms is a tenth of what makes good.
        let drip = |pieces| left(uploads, std::iter::repeat_n((100, 1), pieces));
        assert!(drip(20).is_some() && drip(25).is_none());
        let after_much = std::iter::once((0, 1_000_000)).chain(std::iter::repeat_n((100, 1), 25));
        assert_eq!(left(uploads, after_much), None);
        assert_eq!(left(uploads, std::iter::repeat_n((100, 10), 10_000)), Some(ms(2_000)), "as fast as it has to be");
    }

    #[test]
    fn with_no_rate_any_byte_will_do_and_none_does_not() {
        let uploads = Uploads { silence: ms(2_000), bytes_per_second: 0 };
        assert_eq!(left(uploads, std::iter::repeat_n((1_900, 1), 1_000)), Some(ms(2_000)));
        assert_eq!(left(uploads, [(1_900, 0), (101, 0)]), None);
        assert_eq!(left(Uploads { silence: Duration::ZERO, ..uploads }, [(0, 1)]), Some(LEAST));
    }
}
