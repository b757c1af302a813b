//! The log against simulated disks that fail, real processes that are killed, and files that are damaged.
//!
//! Whatever chance does here follows from a seed, which a failure tells. More than the default number of rounds:
//! `TRADEWIND_SEEDS=10000 TRADEWIND_KILLS=1000 cargo test -p tradewind-log --test it`; one of them again:
//! `TRADEWIND_SEED=17 TRADEWIND_SEEDS=1`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod bytes;
mod collisions;
mod everywhere;
mod faults;
mod formats;
mod kill;
mod model;
mod readers;
mod rounds;

/// A number from the environment, for those who want more than the default.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
