//! The accept loop and the reading routes, with real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod early;
mod given;
mod reading;
mod server;
mod staying;
mod told;
