//! The event store over its engines, opened by URL, and its HTTP interface.

pub mod client;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod file;
mod limits;
mod open;
pub mod server;
pub mod tool;
mod url;
pub mod wire;

pub use client::{ClientOptions, FeedSource, HttpStore};
pub use file::FileStore;
pub use open::{OpenError, OpenOptions, StoreUrl, open, open_at};
pub use server::{Server, ServerOptions, feed_router, router};
