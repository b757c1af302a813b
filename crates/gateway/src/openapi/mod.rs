//! What services say of themselves: OpenAPI 3.1 documents, and what the gateway makes of them.
//!
//! Read in this order: a [`Document`] is a service's, read and checked; `schema` tells what values look like by it;
//! [`About`] makes one document of all, with the paths that clients see; `check` holds compositions against them;
//! `describe` writes the document of a profile; [`breaking`] tells what a newer document breaks.
//!
//! All of it are functions of documents: nothing here asks a service, or answers a client.

mod breaking;
mod check;
mod describe;
mod document;
mod meant;
mod merge;
mod own;
mod parts;
mod schema;

use std::collections::BTreeMap;

pub use breaking::{Change, breaking};
pub use check::Misfit;
pub use describe::{ComposedRoute, ProfileRoutes};
pub use document::{Document, DocumentError, Pointer};
#[cfg(feature = "validate")]
pub(crate) use document::{Operation, Parameter, fits};
pub use merge::{About, LeftOut, Merged};
#[cfg(feature = "validate")]
pub(crate) use schema::{Types, ways};

/// The documents of services, by their names.
pub type Documents = BTreeMap<String, Document>;

#[cfg(test)]
mod tests;
