//! One document of all services, as clients see them through the gateway: the paths of its routes, and nothing that no
//! route leads to.

mod making;
mod way;

use super::Documents;
use super::document::Document;
use crate::RouteTable;

pub(super) use making::Making;

/// What a merged document says of itself.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The gateway's URL; `/` where the document is read from the gateway itself.
    pub server: &'a str,
}

/// A merged document, and what is not in it.
#[derive(Debug)]
pub struct Merged {
    /// The document.
    pub document: Document,
    /// Operations that can be reached and have no place in it.
    pub left_out: Vec<LeftOut>,
}

/// An operation that has no place in a merged document, since another one has it: a path stands there once, whatever
/// hosts and headers there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{method} {path} of {service}, by the route {route:?}, has no place: {other} has the same path and method")]
pub struct LeftOut {
    /// The service.
    pub service: String,
    /// The route that leads to it.
    pub route: String,
    /// The method, in capitals.
    pub method: String,
    /// The path, as clients see it.
    pub path: String,
    /// The service that has its place.
    pub other: String,
}

impl About<'_> {
    /// Merges the documents of the services that routes lead to.
    #[must_use]
    pub fn merge(&self, routes: &RouteTable, documents: &Documents) -> Merged {
        let mut making = Making::new(documents);
        making.add_routes(routes, &[], |_| true);
        let services: Vec<&str> = documents.keys().map(String::as_str).collect();
        let (document, left_out) =
            making.finish(self, &format!("What clients reach of {} through the gateway.", services.join(", ")));
        Merged { document, left_out }
    }
}

#[cfg(test)]
mod tests;
