//! The cache before a real HTTP server, case by case. The cases follow the list of behaviours of the published HTTP
//! cache tests (<https://cache-tests.fyi>): one file for each concern.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod attacks;
mod coding;
mod collapsing;
mod conditional;
mod freshness;
mod head;
mod invalidation;
mod limits;
mod model;
mod partial;
mod positions;
mod purging;
mod rules;
mod stale;
mod status;
mod storing;
mod validating;
mod vary;
mod world;

/// Headers as a test writes them.
type Headers<'a> = &'a [(&'a str, &'a str)];
