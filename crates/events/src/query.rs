//! Which events a reader wants, and which a writer must not have missed.

use serde::{Deserialize, Serialize};

use crate::{EventType, Position, Recorded, StreamId, Tag};

/// Which events. A query matches an event that any of its items matches; a query without items matches all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Query {
    /// The alternatives.
    pub items: Vec<QueryItem>,
}

/// One alternative of a [`Query`]: it matches an event that meets all three of its parts. An empty part asks for
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueryItem {
    /// The event's stream is of one of these categories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// The event is of one of these types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<EventType>,
    /// The event has all of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

impl Query {
    /// The most alternatives that a query may have.
    pub const ITEMS_MAX: usize = 64;
    /// The most categories, types or tags that one alternative may name.
    pub const NAMES_MAX: usize = 256;

    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Everything in streams of one category.
    #[must_use]
    pub fn category(category: impl Into<String>) -> Self {
        Self { items: vec![QueryItem { categories: vec![category.into()], ..QueryItem::default() }] }
    }

    /// Everything of one of these types.
    #[must_use]
    pub fn types(types: impl IntoIterator<Item = EventType>) -> Self {
        Self { items: vec![QueryItem { types: types.into_iter().collect(), ..QueryItem::default() }] }
    }

    /// Everything that has all of these tags.
    #[must_use]
    pub fn tags(tags: impl IntoIterator<Item = Tag>) -> Self {
        Self { items: vec![QueryItem { tags: tags.into_iter().collect(), ..QueryItem::default() }] }
    }

    /// This query or that one.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        if self.is_all() || other.is_all() {
            return Self::all();
        }
        self.items.extend(other.items);
        self
    }

    /// Whether it matches everything.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.items.is_empty() || self.items.iter().any(QueryItem::is_all)
    }

    /// Whether it is small enough to be answered: at most [`Query::ITEMS_MAX`] items of [`Query::NAMES_MAX`]
    /// names each.
    #[must_use]
    pub fn is_within_limits(&self) -> bool {
        self.items.len() <= Self::ITEMS_MAX
            && self.items.iter().all(|item| {
                [item.categories.len(), item.types.len(), item.tags.len()].into_iter().all(|n| n <= Self::NAMES_MAX)
            })
    }

    /// Why it cannot be answered, as a phrase that follows "the query"; none if it can be. Types and tags have been
    /// checked when they were made; categories are text, and may be one that no stream can have.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if !self.is_within_limits() {
            return Some(format!("has more than {} items or {} names in one", Self::ITEMS_MAX, Self::NAMES_MAX));
        }
        let categories = self.items.iter().flat_map(|item| &item.categories);
        let mut wrong = categories.filter_map(|category| StreamId::new(category).err());
        wrong.next().map(|error| format!("asks for a category that cannot be: {error}"))
    }

    /// Whether it matches an event.
    #[must_use]
    pub fn matches(&self, event: &Recorded) -> bool {
        self.items.is_empty() || self.items.iter().any(|item| item.matches(event))
    }
}

impl QueryItem {
    /// Whether it matches everything.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.categories.is_empty() && self.types.is_empty() && self.tags.is_empty()
    }

    /// Whether it matches an event.
    #[must_use]
    pub fn matches(&self, event: &Recorded) -> bool {
        (self.categories.is_empty() || self.categories.iter().any(|c| c == event.category()))
            && (self.types.is_empty() || self.types.iter().any(|t| t.as_str() == event.event_type()))
            && self.tags.iter().all(|tag| event.tags().any(|have| have == tag.as_str()))
    }
}

/// A rule over everything, for an append that rests on more than one stream (a "dynamic consistency boundary"):
/// refuse it if an event that matches the query has been recorded after the position up to which the writer looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppendCondition {
    /// The events that must not have come.
    pub fail_if: Query,
    /// Up to where the writer has looked.
    #[serde(default)]
    pub after: Position,
}
