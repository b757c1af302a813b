//! `Cache-Control` (RFC 9111 §5.2), of requests and of answers.

use std::time::Duration;

use http::{HeaderMap, HeaderName, header};

use super::list::{members, split};

/// As many as the longest name of a directive has.
const NAME_BYTES_MAX: usize = b"stale-while-revalidate".len();

/// What more than this many seconds comes to (RFC 9111 §1.2.2).
const SECONDS_MAX: u64 = 1 << 31;

/// The directives that mean something to a shared cache. Others are passed on and ignored.
///
/// A directive with a value that is no number counts as 0 if it would make an answer fresh, and as absent if it would
/// allow more than is allowed without it. Of several, the strictest counts. `private` and `no-cache` with a list of
/// fields count as those without, as the RFC allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    pub(crate) private: bool,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) proxy_revalidate: bool,
    pub(crate) must_understand: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) max_age: Option<Duration>,
    pub(crate) s_maxage: Option<Duration>,
    pub(crate) min_fresh: Option<Duration>,
    /// `max-stale` without a value is any age.
    pub(crate) max_stale: Option<Duration>,
    pub(crate) stale_while_revalidate: Option<Duration>,
    pub(crate) stale_if_error: Option<Duration>,
}

impl Directives {
    /// Reads all `Cache-Control` lines. `Pragma: no-cache` counts if there is none, and only in requests (§5.4).
    pub(crate) fn of_request(headers: &HeaderMap) -> Self {
        if headers.contains_key(header::CACHE_CONTROL) {
            return Self::read(headers, &header::CACHE_CONTROL);
        }
        let no_cache = members(headers, &header::PRAGMA).any(|member| member.eq_ignore_ascii_case(b"no-cache"));
        Self { no_cache, ..Self::default() }
    }

    /// Reads all `Cache-Control` lines of an answer.
    pub(crate) fn of_answer(headers: &HeaderMap) -> Self {
        Self::read(headers, &header::CACHE_CONTROL)
    }

    /// Whether an answer with these is not for others.
    pub(crate) fn forbids_storing(&self) -> bool {
        self.no_store || self.private
    }

    fn read(headers: &HeaderMap, name: &HeaderName) -> Self {
        let mut all = Self::default();
        for member in members(headers, name) {
            let mut halves = split(member, b'=');
            let name = halves.next().unwrap_or_default();
            let mut known = [0; NAME_BYTES_MAX];
            // What is longer is none that is known.
            let Some(lower) = known.get_mut(..name.len()) else { continue };
            lower.copy_from_slice(name);
            lower.make_ascii_lowercase();
            all.add(lower, halves.next());
        }
        all
    }

    fn add(&mut self, name: &[u8], value: Option<&[u8]>) {
        let seconds = value.and_then(seconds);
        let or_none_at_all = Some(seconds.unwrap_or_default());
        match name {
            b"no-store" => self.no_store = true,
            b"no-cache" => self.no_cache = true,
            b"private" => self.private = true,
            b"public" => self.public = true,
            b"must-revalidate" => self.must_revalidate = true,
            b"proxy-revalidate" => self.proxy_revalidate = true,
            b"must-understand" => self.must_understand = true,
            b"only-if-cached" => self.only_if_cached = true,
            b"max-age" => self.max_age = least(self.max_age, or_none_at_all),
            b"s-maxage" => self.s_maxage = least(self.s_maxage, or_none_at_all),
            b"min-fresh" => self.min_fresh = self.min_fresh.max(seconds),
            b"max-stale" => {
                let allowed = if value.is_none() { Some(Duration::from_secs(SECONDS_MAX)) } else { seconds };
                self.max_stale = least(self.max_stale, allowed);
            }
            b"stale-while-revalidate" => self.stale_while_revalidate = least(self.stale_while_revalidate, seconds),
            b"stale-if-error" => self.stale_if_error = least(self.stale_if_error, seconds),
            _ => {}
        }
    }
}

fn least(known: Option<Duration>, new: Option<Duration>) -> Option<Duration> {
    known.into_iter().chain(new).min()
}

/// Seconds as the RFC writes them, or in a quoted string, which recipients ought to understand.
fn seconds(text: &[u8]) -> Option<Duration> {
    let bare = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
    delta_seconds(bare)
}

/// `1*DIGIT`, however many.
pub(crate) fn delta_seconds(text: &[u8]) -> Option<Duration> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(text).ok()?.parse().unwrap_or(SECONDS_MAX);
    Some(Duration::from_secs(number.min(SECONDS_MAX)))
}
