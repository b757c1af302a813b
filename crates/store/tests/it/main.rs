//! The engines, the server and the client, as programs use them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod client;
mod conformance;
mod feed;
mod folder;
mod given;
mod proxy;
mod server;
mod tool;
