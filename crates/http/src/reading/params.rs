//! The parameters of reads, parsed into types that cannot be wrong.

use axum::extract::{FromRequestParts, Path, Query as UrlQuery};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tradewind_events::{EventType, Position, Query, QueryItem, StreamId, Tag};

use super::Failure;

/// The URL's query, or a problem that says what is wrong with it.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match UrlQuery::<T>::from_request_parts(parts, state).await {
            Ok(UrlQuery(params)) => Ok(Self(params)),
            Err(rejection) => Err(Failure::invalid_read(rejection.body_text())),
        }
    }
}

/// The stream that the path names.
pub struct StreamPath(pub StreamId);

impl<S: Send + Sync> FromRequestParts<S> for StreamPath {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) => StreamId::new(name).map(Self).map_err(|error| Failure::invalid_read(error.to_string())),
            Err(rejection) => Err(Failure::invalid_read(rejection.body_text())),
        }
    }
}

/// What a read of everything asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EventsParams {
    /// Go on behind this position.
    pub(super) after: Option<Position>,
    /// At most so many events.
    pub(super) limit: Option<usize>,
    /// How many seconds to wait if there is nothing yet.
    pub(super) wait: Option<f64>,
    categories: Option<String>,
    types: Option<String>,
    tags: Option<String>,
    query: Option<String>,
}

impl EventsParams {
    /// What asks for a query in JSON and nothing else.
    pub(super) fn asking(query: Option<String>) -> Self {
        Self { query, ..Self::default() }
    }

    /// The query in it: either `query`, as JSON, or one item of the lists that are given.
    pub(super) fn query(&self) -> Result<Query, Failure> {
        let lists = [&self.categories, &self.types, &self.tags];
        let query = match &self.query {
            Some(_) if lists.iter().any(|list| list.is_some()) => {
                return Err(Failure::invalid_read("query cannot be combined with categories, types or tags"));
            }
            Some(json) => {
                serde_json::from_str(json).map_err(|error| Failure::invalid_read(format!("query: {error}")))?
            }
            None => self.item()?,
        };
        match query.problem() {
            Some(problem) => Err(Failure::invalid_read(format!("the query {problem}"))),
            None => Ok(query),
        }
    }

    fn item(&self) -> Result<Query, Failure> {
        let item = QueryItem {
            categories: names(self.categories.as_deref()).map(str::to_owned).collect(),
            types: names(self.types.as_deref())
                .map(EventType::new)
                .collect::<Result<_, _>>()
                .map_err(|error| Failure::invalid_read(error.to_string()))?,
            tags: names(self.tags.as_deref())
                .map(Tag::new)
                .collect::<Result<_, _>>()
                .map_err(|error| Failure::invalid_read(error.to_string()))?,
        };
        Ok(if item.is_all() { Query::all() } else { Query { items: vec![item] } })
    }
}

fn names(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default().split(',').filter(|name| !name.is_empty())
}
