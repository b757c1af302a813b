//! The framework against a store in memory and real SQLite, real sockets.

mod account;
mod as_of;
mod commands;
mod feed;
mod host;
mod idempotency;
mod process;
mod projections;
mod reactions;
mod rebuild;
mod upcasting;
mod web;
