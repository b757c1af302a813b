//! The event store over its engines, opened by URL, and its HTTP interface.

pub mod client;
#[cfg(feature = "conformance")]
pub mod conformance;
mod limits;
mod open;
pub mod server;
mod url;
pub mod wire;

pub use client::{ClientOptions, FeedSource, HttpStore};
pub use open::{OpenError, OpenOptions, StoreUrl};
pub use server::{Server, ServerOptions, feed_router, router};
