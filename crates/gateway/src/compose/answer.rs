//! The composed answer, and what it tells of its parts.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::time::Instant;

use super::caching::{Caching, whole_seconds_up};
use super::composition::Call;
use super::outcome::{Heard, Outcome};
use super::selection::REPORT_MEMBER;
use super::splice::{Splicer, Unusable};
use super::template::Source;
use super::{Composed, Failed, Freshness};
use crate::position::POSITION;

/// Which parts of an answer are complete, stale or missing: a list (RFC 9651).
const FRAGMENTS: HeaderName = HeaderName::from_static("tradewind-fragments");
/// As of when an answer is to be, and is, if not as of now.
pub(crate) const AS_OF: HeaderName = HeaderName::from_static("tradewind-as-of");
/// The same in a query, so that a link can lead to the past.
pub(crate) const AS_OF_PARAMETER: &str = "as_of";
/// The largest integer of a structured field (RFC 9651, 3.3.1).
const INTEGER_MOST: u64 = 999_999_999_999_999;

/// A composed answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// JSON.
    pub body: Bytes,
    /// `Content-Type`, `Tradewind-Fragments`, `Tradewind-Position`, `Tradewind-As-Of`, `Cache-Control`, `Age`, `ETag`,
    /// `Vary`.
    pub headers: HeaderMap,
    /// What became of each call that was made.
    pub fragments: Vec<Fragment>,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Its name.
    pub call: Box<str>,
    /// Whether its answer is there.
    pub state: FragmentState,
}

/// Whether a call's answer is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FragmentState {
    /// It is, and fresh as far as anybody knows.
    Complete,
    /// It is stale, and so old.
    Stale(Duration),
    /// It is not.
    Missing(Failed),
    /// It was asked for each element of a list, and some of the answers are not there.
    Partly {
        /// Why the first of them is not.
        missing: Failed,
        /// How many elements lack theirs.
        lacking: usize,
        /// How many elements there are.
        of: usize,
        /// How old the oldest of the others is that are stale, if one is.
        stale: Option<Duration>,
    },
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The request lacks a parameter, or it cannot be used.
    #[error("the parameter {name:?} is missing or cannot be used")]
    Parameter {
        /// Its name.
        name: String,
    },
    /// A call failed that the author will not do without.
    #[error("{call:?} of {service}: {failed}")]
    Call {
        /// Its name.
        call: String,
        /// The service that it asks.
        service: String,
        /// Why.
        failed: Failed,
        /// Whether all that it was asked with is the request's own, or it was asked about the request's moment, so that a
        /// refusal is the request's fault.
        is_the_requests: bool,
    },
}

impl Unanswered {
    /// `has_moment` if the request says as of when it is to be answered, which is told to all services.
    pub(super) fn call(call: &Call, failed: Failed, has_moment: bool) -> Self {
        let mut holes = call.template.holes().map(|hole| &hole.source).peekable();
        let has_holes = holes.peek().is_some();
        let is_the_requests =
            has_moment || (has_holes && holes.all(|source| matches!(source, Source::Parameter { .. })));
        let (call, service) = (call.name.to_string(), call.template.service.to_string());
        Self::Call { call, service, failed, is_the_requests }
    }

    /// The status to answer with.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Parameter { .. } | Self::Call { failed: Failed::Status(400 | 422), is_the_requests: true, .. } => 400,
            Self::Call { failed, .. } => failed.status(),
        }
    }
}

impl Answer {
    pub(super) fn compose(composed: &Composed, outcomes: &[Outcome]) -> Result<Self, Unanswered> {
        let calls = composed.calls();
        let splicer = Splicer::new(calls, outcomes, composed.composition().limits());
        let spliced = splicer.splice(&composed.selection.tops);
        let spliced = spliced.map_err(|(call, failed)| Unanswered::call(&calls[call], failed, false))?;
        let fragments: Vec<Fragment> = composed
            .made_calls()
            .map(|(index, call)| {
                let unusable: Vec<&Unusable> = spliced.unusable.iter().filter(|its| its.call == index).collect();
                Fragment { call: call.name.clone(), state: FragmentState::of(&outcomes[index], &unusable) }
            })
            .collect();
        let mut body = spliced.open;
        if composed.reports {
            report(&mut body, &fragments);
        }
        body.push(b'}');
        let headers = headers(composed, outcomes, &fragments, &body);
        Ok(Self { body: body.into(), headers, fragments })
    }
}

impl FragmentState {
    /// `unusable` is what turned out so while it was spliced.
    fn of(outcome: &Outcome, unusable: &[&Unusable]) -> Self {
        match outcome {
            Outcome::NotMade => Self::Complete,
            Outcome::One(heard) => match (&heard.answer, unusable.first()) {
                (Err(failed), _) | (Ok(_), Some(Unusable { failed, .. })) => Self::Missing(*failed),
                (Ok(_), None) => heard.stale().map_or(Self::Complete, Self::Stale),
            },
            Outcome::Many { of, answers } => {
                let failed = |answer: &usize| answers[*answer].answer.as_ref().err().copied();
                let stale = answers.iter().filter_map(Heard::stale).max();
                // One may be of no use in several places.
                let is_unusable = |element| unusable.iter().any(|its| its.element == element);
                let lacks = |(element, answer): &(usize, &usize)| failed(answer).is_some() || is_unusable(*element);
                let lacking = of.iter().enumerate().filter(lacks).count();
                match of.iter().find_map(failed).or_else(|| unusable.first().map(|its| its.failed)) {
                    None => stale.map_or(Self::Complete, Self::Stale),
                    Some(missing) if lacking >= of.len() => Self::Missing(missing),
                    Some(missing) => Self::Partly { missing, lacking, of: of.len(), stale },
                }
            }
        }
    }

    /// It as a word, for a label.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Stale(_) => "stale",
            Self::Missing(failed) | Self::Partly { missing: failed, .. } => failed.token(),
        }
    }

    /// Whether something is not there that should be.
    fn is_complete(self) -> bool {
        matches!(self, Self::Complete | Self::Missing(Failed::NoElements))
    }
}

impl Heard {
    /// How old it is, if it is stale.
    fn stale(&self) -> Option<Duration> {
        match &self.answer {
            Ok(piece) if matches!(piece.freshness, Freshness::Stale(_)) => Some(piece.age),
            _ => None,
        }
    }
}

/// A member of `Tradewind-Fragments`.
impl fmt::Display for Fragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.call)?;
        match self.state {
            FragmentState::Complete => Ok(()),
            FragmentState::Stale(age) => write!(f, ";stale={}", whole_seconds_up(age)),
            FragmentState::Missing(failed) => write!(f, ";missing={}", failed.token()),
            FragmentState::Partly { missing, lacking, of, stale } => {
                write!(f, ";missing={};lacking={lacking};of={of}", missing.token())?;
                stale.map_or(Ok(()), |age| write!(f, ";stale={}", whole_seconds_up(age)))
            }
        }
    }
}

/// The same as a member of the answer: `"_fragments":{"reviews":{"stale":42},"stock":{"missing":"unavailable"}}`, with
/// an empty object for what is complete.
fn report(body: &mut Vec<u8>, fragments: &[Fragment]) {
    let mut report = String::from(if body.last() == Some(&b'{') { "" } else { "," });
    // Names and reasons have no character that JSON would have to escape, and writing to a string cannot fail.
    let _ = write!(report, "\"{REPORT_MEMBER}\":{{");
    for (index, Fragment { call, state }) in fragments.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(report, "{comma}\"{call}\":");
        let _ = match state {
            FragmentState::Complete => write!(report, "{{}}"),
            FragmentState::Stale(age) => write!(report, "{{\"stale\":{}}}", whole_seconds_up(*age)),
            FragmentState::Missing(failed) => write!(report, "{{\"missing\":\"{}\"}}", failed.token()),
            FragmentState::Partly { missing, lacking, of, stale } => {
                let stale = stale.map(|age| format!(",\"stale\":{}", whole_seconds_up(age))).unwrap_or_default();
                let why = missing.token();
                write!(report, "{{\"missing\":\"{why}\",\"lacking\":{lacking},\"of\":{of}{stale}}}")
            }
        };
    }
    report.push('}');
    body.extend_from_slice(report.as_bytes());
}

fn headers(composed: &Composed, outcomes: &[Outcome], fragments: &[Fragment], body: &[u8]) -> HeaderMap {
    let (mut caching, now) = (Caching::new(), Instant::now());
    let mut positions: BTreeMap<&str, u64> = BTreeMap::new();
    let mut moments: Vec<Option<&HeaderValue>> = Vec::new();
    for (index, call) in composed.made_calls() {
        let heard = match &outcomes[index] {
            Outcome::NotMade => &[],
            Outcome::One(heard) => std::slice::from_ref(heard),
            Outcome::Many { answers, .. } => &answers[..],
        };
        for Heard { answer, at } in heard {
            let Ok(piece) = answer else { continue };
            caching.add(piece, now.saturating_duration_since(*at));
            moments.push(piece.as_of.as_ref());
            if let Some(position) = piece.position.filter(|position| *position <= INTEGER_MOST) {
                // Of several answers of a service the whole reflects what the oldest does.
                let known =
                    positions.entry(piece.source.as_deref().unwrap_or(&call.template.service)).or_insert(position);
                *known = position.min(*known);
            }
        }
    }
    if fragments.iter().any(|fragment| !fragment.state.is_complete()) {
        caching.incomplete();
    }
    let list = |members: Vec<String>| members.join(", ");
    let etag = format!("\"{:032x}\"", xxhash_rust::xxh3::xxh3_128(body));
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut add = |name: HeaderName, value: String| {
        // All are made of names, tokens and numbers.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    add(FRAGMENTS, list(fragments.iter().map(Fragment::to_string).collect()));
    if !positions.is_empty() {
        // A dictionary (RFC 9651).
        add(POSITION, list(positions.iter().map(|(service, position)| format!("{service}={position}")).collect()));
    }
    add(header::CACHE_CONTROL, caching.control());
    add(header::AGE, caching.age_s().to_string());
    add(header::ETAG, etag);
    if let Some(vary) = caching.vary() {
        add(header::VARY, vary);
    }
    // Of parts as of several moments the whole is as of none.
    moments.dedup();
    if let [Some(moment)] = &moments[..] {
        headers.insert(AS_OF, (*moment).clone());
    }
    headers
}
