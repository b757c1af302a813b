//! The framework against a store in memory, real SQLite and PostgreSQL, real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod account;
mod as_of;
mod bounds;
mod commands;
mod conditions;
mod delays;
mod early;
mod faulty;
mod feed;
mod host;
mod idempotency;
mod lag;
mod lanes;
mod names;
mod past;
mod panics;
mod parked_rows;
mod parking;
mod process;
mod projections;
mod reactions;
mod rebuild;
mod relaying;
mod repetition;
mod schema;
mod seeding;
mod shared;
mod shares;
mod sleeping;
mod timers;
mod together;
mod truncation;
mod upcasting;
mod web;
