//! The event store over its engines, opened by URL, and its HTTP interface.
//!
//! In reading order: [`open`] turns a URL into an `EventStore`; [`file`](mod@file) is the embedded log as one, [`postgres`] a
//! schema of a database, [`client`] a store that another process serves, and a service's feed; [`server`] serves any store, and what the two say to each other is
//! in `tradewind_http::wire`; [`moving`] brings a store
//! from one engine to another; [`tool`] is what the command line does with a store; `conformance` is the suite that
//! every engine must pass.
//!
//! `docs/internals/http-api.md` draws the interface.

pub mod client;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod file;
mod limits;
pub mod moving;
mod open;
pub mod postgres;
mod retry;
pub mod server;
pub mod tool;

pub use client::{ClientOptions, FeedSource, HandedOver, HttpStore, SeededService, SubscriptionStatus};
pub use file::FileStore;
pub use open::{OpenError, OpenOptions, StoreUrl, open, open_at, open_movable};
pub use postgres::{PostgresDatabase, PostgresFailure, PostgresOptions, PostgresSession, PostgresStore, PostgresUrl};
pub use server::{ServeError, Server, ServerOptions, router};
