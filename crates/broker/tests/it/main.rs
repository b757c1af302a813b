//! The broker's ports, the relay and the brokered source, over real servers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod conformance;
mod doubts;
mod ends;
mod faulty;
mod given;
mod resuming;
mod rivals;
mod secure;
mod streams;
mod traces;
mod unsafe_settings;
