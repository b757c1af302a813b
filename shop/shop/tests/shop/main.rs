//! The shop's back-end as its clients see it: catalog and ordering at work together, behind a gateway, over HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod killing;
mod ordering;
mod past;
mod payment;
mod products;
mod seeding;
mod system;
