//! What becomes of a path on its way to the service.

use std::fmt;

use http::Uri;
use http::uri::PathAndQuery;

use super::lenient::{has_dot_segment, is_for_operators};
use super::path::{End, Segments};
use super::{Captures, PathPattern, RouteError};

/// Another path in place of a route's: in place of its prefix if it is one, else of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    text: Box<str>,
    pieces: Vec<Piece>,
    /// How many segments of a prefix it stands for; none if it stands for the whole path.
    in_place_of: Option<usize>,
    /// It ends with all that is left of the path, with the slash at its end.
    ends_with_rest: bool,
    /// It names what services have for their operators, and so means it.
    names_operators: bool,
}

/// Why a path cannot be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwritable {
    /// It would lead to what services have for their operators, which only a route that names it does.
    ForOperators,
    /// It would be longer than a target can be.
    Long,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    Parameter(Box<str>),
}

impl Rewrite {
    /// Reads `/catalog` or `/products/{id}/reviews`, whose parameters are the path's.
    ///
    /// # Errors
    /// [`RouteError`] says what is wrong with it.
    pub fn parse(text: &str, path: &PathPattern) -> Result<Self, RouteError> {
        let refused = || RouteError::Rewrite(text.chars().take(64).collect());
        let plain = |c: char| c.is_ascii_graphic() && !"?#%\\".contains(c);
        if !text.starts_with('/') || text.contains("//") || !text.chars().all(plain) || has_dot_segment(text) {
            return Err(refused());
        }
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(open) = rest.find('{') {
            let close = rest[open..].find('}').ok_or_else(refused)? + open;
            let name = &rest[open + 1..close];
            if !path.parameters().any(|parameter| parameter == name) {
                let (parameter, path) = (name.to_owned(), path.as_str().to_owned());
                return Err(RouteError::NoSuchParameter { parameter, path });
            }
            pieces.push(Piece::Text(rest[..open].into()));
            pieces.push(Piece::Parameter(name.into()));
            rest = &rest[close + 1..];
        }
        if rest.contains('}') {
            return Err(refused());
        }
        pieces.push(Piece::Text(rest.into()));
        // What no target can have would leave the request without one.
        let is_target = |piece: &Piece| match piece {
            Piece::Text(text) => PathAndQuery::try_from(format!("/{text}")).is_ok(),
            Piece::Parameter(_) => true,
        };
        if !pieces.iter().all(is_target) {
            return Err(refused());
        }
        let in_place_of = path.is_prefix().then_some(path.segments.len());
        let ends_with_rest = matches!(&path.end, End::Rest(rest) if text.ends_with(&format!("{{{rest}}}")));
        Ok(Self { text: text.into(), pieces, in_place_of, ends_with_rest, names_operators: is_for_operators(text) })
    }

    /// The path that a service is asked for.
    #[must_use]
    pub fn path(&self, asked: &str, captures: &Captures) -> String {
        let mut path = String::with_capacity(asked.len() + self.text.len());
        for piece in &self.pieces {
            path.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Parameter(name) => captures.get(name).unwrap_or_default(),
            });
        }
        if self.ends_with_rest && asked.ends_with('/') {
            path.push('/');
        }
        if let Some(count) = self.in_place_of {
            let rest = Segments::of(asked).after(count);
            let path_end = path.trim_end_matches('/').len();
            path.truncate(path_end);
            if !rest.is_empty() || path.is_empty() {
                path.push('/');
            }
            path.push_str(&rest);
            if !rest.is_empty() && asked.ends_with('/') {
                path.push('/');
            }
        }
        path
    }

    /// The same with its query, in a request's target.
    ///
    /// # Errors
    /// [`Unwritable`]; the target is as it was then.
    pub(crate) fn apply(&self, asked: &mut Uri, captures: &Captures) -> Result<(), Unwritable> {
        let mut target = self.path(asked.path(), captures);
        if !self.names_operators && is_for_operators(&target) {
            return Err(Unwritable::ForOperators);
        }
        if let Some(query) = asked.query() {
            target.push('?');
            target.push_str(query);
        }
        // All pieces are a path's already, so that only its length can be wrong.
        let target = PathAndQuery::try_from(target).map_err(|_| Unwritable::Long)?;
        let mut parts = std::mem::take(asked).into_parts();
        parts.path_and_query = Some(target);
        *asked = Uri::from_parts(parts).unwrap_or_default();
        Ok(())
    }
}

impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
