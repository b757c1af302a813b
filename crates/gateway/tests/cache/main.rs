//! The cache before a real HTTP server, case by case. The cases follow the list of behaviours of the published HTTP
//! cache tests (<https://cache-tests.fyi>): one file for each concern.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod freshness;
mod storing;
mod vary;
mod world;

/// Headers as a test writes them.
type Headers<'a> = &'a [(&'a str, &'a str)];
