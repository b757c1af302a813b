//! The engine in PostgreSQL, on real servers: the suite, many processes at once, and servers that fall.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod conformance;
mod falling;
mod gate;
mod load;
mod losing;
mod moving;
mod opening;
mod processes;
mod proxy;
mod silence;
