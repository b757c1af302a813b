//! The description of the reading routes for machines, kept beside them; stores and services put it into theirs.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Paths, and the schemas that they name, of an OpenAPI 3.1 document.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// The paths.
    pub paths: Map<String, Value>,
    /// The schemas, as they stand in `components`.
    pub schemas: Map<String, Value>,
}

#[derive(Deserialize)]
struct Document {
    paths: Map<String, Value>,
    components: Components,
}

#[derive(Deserialize)]
struct Components {
    schemas: Map<String, Value>,
}

/// The routes of [`router`](super::router), nested under `prefix`, with the Atom feeds under `atom`.
#[must_use]
pub fn described(prefix: &str, atom: &str) -> Description {
    // A test sees to it that it can be read.
    let document = serde_json::from_str::<Document>(include_str!("openapi.json"));
    let Ok(Document { paths, components }) = document else { return Description::default() };
    let placed = paths.into_iter().map(|(path, operations)| match path.strip_prefix("/atom") {
        Some(feed) => (format!("{prefix}{atom}{feed}"), operations),
        None => (format!("{prefix}{path}"), operations),
    });
    Description { paths: placed.collect(), schemas: components.schemas }
}
