//! The event store over its engines, opened by URL, and its HTTP interface.

pub mod server;
pub mod wire;
