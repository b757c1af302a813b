//! Until when an answer is of use.

use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::NoAnswer;

/// How many milliseconds are left, as clients tell it and services are told.
pub const DEADLINE: HeaderName = HeaderName::from_static("tradewind-deadline");

/// The same as gRPC says it: up to eight digits and a unit.
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The most that is believed, which is as good as none.
const AT_MOST: Duration = Duration::from_secs(24 * 60 * 60);

/// Nobody answers in less.
const LEAST: Duration = Duration::from_millis(1);

/// Until when a request must have an answer, over all tries. It is passed on to the service as what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Option<Due>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    at: Instant,
    /// How long is given on this side, which ought to be enough. None: it is the client's word, who may ask for what nobody
    /// can do.
    given: Option<Duration>,
}

/// A deadline that cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no time: tradewind-deadline takes milliseconds, grpc-timeout up to eight digits and a unit")]
pub struct InvalidDeadline(&'static str);

impl Deadline {
    /// None: each try has its own time, and that is all.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// This long from now, by the word of this side: a service that does not answer in it is too slow.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        let given = time.min(AT_MOST);
        Self(Some(Due { at: Instant::now() + given, given: Some(given) }))
    }

    /// This long from now, by a client's word.
    fn asked(time: Duration) -> Self {
        Self(Some(Due { at: Instant::now() + time.min(AT_MOST), given: None }))
    }

    /// What a client asks for with `Tradewind-Deadline`, in milliseconds, or with `grpc-timeout`; the sooner of both.
    ///
    /// # Errors
    /// [`InvalidDeadline`] if one of them is malformed.
    pub fn of(headers: &HeaderMap) -> Result<Self, InvalidDeadline> {
        let mut deadline = Self::none();
        if let Some(value) = headers.get(DEADLINE) {
            let time = millis(value).ok_or(InvalidDeadline("tradewind-deadline"))?;
            deadline = deadline.or_sooner(Self::asked(time));
        }
        if let Some(value) = headers.get(GRPC_TIMEOUT) {
            let time = grpc_time(value).ok_or(InvalidDeadline("grpc-timeout"))?;
            deadline = deadline.or_sooner(Self::asked(time));
        }
        Ok(deadline)
    }

    /// Takes away what a client asks for.
    pub(crate) fn forget(headers: &mut HeaderMap) {
        headers.remove(DEADLINE);
        headers.remove(GRPC_TIMEOUT);
    }

    /// The sooner of both.
    #[must_use]
    pub fn or_sooner(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(one), Some(two)) => Self(Some(if one.at <= two.at { one } else { two })),
            (one, two) => Self(one.or(two)),
        }
    }

    /// When it is, if there is one.
    #[must_use]
    pub fn at(self) -> Option<Instant> {
        self.0.map(|due| due.at)
    }

    /// Whether it is a client that wants it by then, and others who ask for the same may have more time.
    pub(crate) fn is_the_clients(self) -> bool {
        self.0.is_some_and(|due| due.given.is_none())
    }

    /// The same by whose word it is, but sooner by this time.
    pub(crate) fn sooner_by(self, time: Duration) -> Self {
        Self(self.0.map(|due| Due { at: due.at.checked_sub(time).unwrap_or(due.at), ..due }))
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.0.is_some_and(|due| due.at <= Instant::now())
    }

    /// Whether there is more time left than this.
    pub(super) fn leaves(self, time: Duration) -> bool {
        self.0.is_none_or(|due| due.at > Instant::now() + time)
    }

    /// Why there is no answer when it is over, of somebody who had so much of the time. Who had half of what this side gives
    /// is too slow; who was asked late, or by a client in a hurry, is not to blame.
    pub(super) fn missed(self, had: Duration) -> NoAnswer {
        match self.0.and_then(|due| due.given) {
            Some(given) if had >= (given / 2).max(LEAST) => NoAnswer::Timeout,
            _ => NoAnswer::Deadline,
        }
    }

    /// Tells a service how much is left.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        let Some(at) = self.at() else { return };
        let left = at.saturating_duration_since(Instant::now()).as_millis();
        // Digits are always a header's value.
        let value = |text: &str| HeaderValue::from_str(text).ok();
        let mut text = left.to_string();
        if let Some(value) = value(&text) {
            headers.insert(DEADLINE, value);
        }
        if headers.contains_key(GRPC_TIMEOUT) {
            text.clear();
            // The most that is believed has eight digits. Writing to a string does not fail.
            let _ = write!(text, "{left}m");
            if let Some(value) = value(&text) {
                headers.insert(GRPC_TIMEOUT, value);
            }
        }
    }
}

fn millis(value: &HeaderValue) -> Option<Duration> {
    digits(value.to_str().ok()?, 18).map(Duration::from_millis)
}

fn grpc_time(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number = digits(number, 8)?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// Digits and nothing else, not even a sign.
fn digits(text: &str, at_most: usize) -> Option<u64> {
    let plain = (1..=at_most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}
