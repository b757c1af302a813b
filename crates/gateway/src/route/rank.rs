//! Which of two routes is more specific.

use std::cmp::Ordering;

use http::Method;

use super::path::{End, Segment};
use super::{HostPattern, PathPattern, Route};

/// The more specific first: by host, then by path, segment by segment from the left, then by methods, then by how many
/// headers must be right.
pub(super) fn most_specific_first(one: &Route, other: &Route) -> Ordering {
    let host = |route: &Route| route.hosts.iter().map(HostPattern::rank).min();
    host(other)
        .cmp(&host(one))
        .then_with(|| compare_paths(&one.path, &other.path))
        .then_with(|| one.methods.is_empty().cmp(&other.methods.is_empty()))
        .then_with(|| other.headers.len().cmp(&one.headers.len()))
}

fn compare_paths(one: &PathPattern, other: &PathPattern) -> Ordering {
    let kind = |segment: &Segment| u8::from(matches!(segment, Segment::Parameter(_)));
    for (mine, its) in one.segments.iter().zip(&other.segments) {
        let by_kind = kind(mine).cmp(&kind(its));
        if by_kind.is_ne() {
            return by_kind;
        }
    }
    let end = |pattern: &PathPattern| match pattern.end {
        End::Whole => 0,
        End::Rest(_) => 1,
        End::Prefix => 2,
    };
    other.segments.len().cmp(&one.segments.len()).then_with(|| end(one).cmp(&end(other)))
}

/// Whether there is a request that both take, and neither is more specific.
pub(super) fn are_ambiguous(one: &Route, other: &Route) -> bool {
    most_specific_first(one, other).is_eq()
        && hosts_meet(&one.hosts, &other.hosts)
        && paths_meet(&one.path, &other.path)
        && methods_meet(one, other)
        && headers_meet(one, other)
}

fn hosts_meet(one: &[HostPattern], other: &[HostPattern]) -> bool {
    // Of the same rank, only what is the same can meet, but a list has further ones.
    one.is_empty() && other.is_empty() || one.iter().any(|host| other.contains(host))
}

fn paths_meet(one: &PathPattern, other: &PathPattern) -> bool {
    // Of the same rank, both have their parameters at the same places.
    one.segments.iter().zip(&other.segments).all(|pair| match pair {
        (Segment::Fixed(mine), Segment::Fixed(its)) => mine == its,
        _ => true,
    })
}

fn methods_meet(one: &Route, other: &Route) -> bool {
    let takes_get = |route: &Route| route.methods.contains(&Method::GET);
    one.methods.is_empty()
        || one.methods.iter().any(|method| other.methods.contains(method))
        || (takes_get(one) && other.methods.contains(&Method::HEAD))
        || (takes_get(other) && one.methods.contains(&Method::HEAD))
}

fn headers_meet(one: &Route, other: &Route) -> bool {
    // A header with two values at once is no reason to send a request to one of two.
    !one.headers.iter().any(|mine| {
        other.headers.iter().any(|its| {
            mine.name == its.name && matches!((&mine.value, &its.value), (Some(mine), Some(its)) if mine != its)
        })
    })
}
