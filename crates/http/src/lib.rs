//! What every server here has in common.
//!
//! In reading order: [`Server`] is the one accept loop, with its limits, under everything that listens: the
//! gateway, the store, each service. `wire` is what stores, services and their clients say to each other, in one
//! place. `reading` serves any event source, which is the reading half of a store's interface and all of a
//! service's feed. [`Patience`] is for who has a time limit for each request, [`Network`] for who tells
//! those apart that connect.
//!
//! `docs/internals/http-api.md` draws the interface.

mod content;
mod network;
mod patience;
mod server;

#[cfg(feature = "reading")]
pub mod reading;
#[cfg(feature = "reading")]
mod url;
#[cfg(feature = "reading")]
pub mod wire;

pub use content::is_json;
pub use network::{InvalidNetwork, Network};
pub use patience::Patience;
pub use server::{ClientBody, CutOff, Limits, Peer, Place, Server};
#[cfg(feature = "tls")]
pub use server::{Tls, TlsError};
#[cfg(feature = "reading")]
pub use url::percent_encoded;
