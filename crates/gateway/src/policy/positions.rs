//! Whose positions a route's answers tell.

use std::sync::Arc;

/// The log whose positions the answers of a route tell, in `Tradewind-Position`, and its service understands, in
/// `Tradewind-After`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PositionsOf {
    /// The service's own.
    #[default]
    Own,
    /// Another service's, whose events these answers are made of.
    Of(Arc<str>),
    /// None that clients could wait for.
    Nobody,
}

impl PositionsOf {
    /// The service, if its answers come from this one.
    #[must_use]
    pub fn of<'a>(&'a self, own: &'a str) -> Option<&'a str> {
        match self {
            Self::Own => Some(own),
            Self::Of(other) => Some(other),
            Self::Nobody => None,
        }
    }

    pub(super) fn describe(&self) -> Option<String> {
        match self {
            Self::Own => None,
            Self::Of(other) => Some(format!("answers tell positions of {other}")),
            Self::Nobody => Some("answers tell no positions".to_owned()),
        }
    }
}
