//! The outbox and the inbox, over a real PostgreSQL and SQLite.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod given;
mod killing;
mod order;
mod published;
mod rotating;
mod sqlite;
mod taken_once;
