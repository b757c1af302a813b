//! Which path belongs to which service.

use std::sync::Arc;

use crate::Upstream;

/// A path prefix and the service behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The prefix: `/`, or `/` and segments without a slash at the end.
    pub prefix: Arc<str>,
    /// The service, wherever its instances are.
    pub upstream: Upstream,
}

/// Why a prefix is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// It is not a path.
    #[error("route {0:?} does not begin with a slash")]
    NotAPath(String),
    /// It ends where a segment should follow.
    #[error("route {0:?} ends with a slash; a prefix always ends at a segment's end")]
    TrailingSlash(String),
    /// It has what a path has not, or what a path is cleaned of before it is compared.
    #[error("route {0:?} has an empty or dotted segment, a query, a percent sign, or a character that is not ASCII")]
    Segment(String),
    /// It is the gateway's own.
    #[error("route {0:?} is under /_gateway, which the gateway answers itself")]
    Reserved(String),
    /// It is there twice.
    #[error("route {0:?} is there twice")]
    Twice(String),
}

/// The prefix of what the gateway answers itself.
pub(crate) const OWN_PREFIX: &str = "/_gateway";

impl Route {
    /// Checks a prefix.
    ///
    /// # Errors
    /// [`RouteError`] says what is wrong with it.
    pub fn new(prefix: &str, upstream: Upstream) -> Result<Self, RouteError> {
        Self::check_prefix(prefix)?;
        Ok(Self { prefix: prefix.into(), upstream })
    }

    /// Checks a prefix alone, before the service behind it is known.
    ///
    /// # Errors
    /// [`RouteError`] says what is wrong with it.
    pub fn check_prefix(prefix: &str) -> Result<(), RouteError> {
        let refused = |error: fn(String) -> RouteError| Err(error(prefix.chars().take(64).collect()));
        if prefix == "/" {
            return Ok(());
        }
        let Some(segments) = prefix.strip_prefix('/') else { return refused(RouteError::NotAPath) };
        if segments.ends_with('/') {
            return refused(RouteError::TrailingSlash);
        }
        let plain = |c: char| c.is_ascii_graphic() && !"?#%\\".contains(c);
        if segments.split('/').any(|s| s.is_empty() || s == "." || s == ".." || !s.chars().all(plain)) {
            return refused(RouteError::Segment);
        }
        if covers(OWN_PREFIX, prefix) {
            return refused(RouteError::Reserved);
        }
        Ok(())
    }
}

/// All routes; the longest prefix that covers a path wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteTable(Vec<Route>);

impl RouteTable {
    /// Sorts routes into a table.
    ///
    /// # Errors
    /// [`RouteError::Twice`] if two have the same prefix.
    pub fn new(mut routes: Vec<Route>) -> Result<Self, RouteError> {
        routes.sort_by(|a, b| b.prefix.len().cmp(&a.prefix.len()).then_with(|| a.prefix.cmp(&b.prefix)));
        match routes.windows(2).find(|pair| pair[0].prefix == pair[1].prefix) {
            Some(pair) => Err(RouteError::Twice(pair[0].prefix.to_string())),
            None => Ok(Self(routes)),
        }
    }

    /// The route for a path. What services offer their operators under `/admin` is reached at their own addresses, or
    /// by a route that names it, and not by one that covers everything.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Route> {
        let found = self.0.iter().find(|route| covers(&route.prefix, path))?;
        (&*found.prefix != "/" || !is_for_operators(path)).then_some(found)
    }

    /// The routes, longest prefix first.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.0
    }
}

/// Whether a path lies under a prefix: `/api` covers `/api` and `/api/x`, and not `/apis`.
pub(crate) fn covers(prefix: &str, path: &str) -> bool {
    if prefix == "/" {
        return true;
    }
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path lies under `/admin`, as lenient services read paths too.
fn is_for_operators(path: &str) -> bool {
    let Some(first) = path.split(['/', '\\']).find(|segment| !segment.is_empty()) else { return false };
    let (mut rest, mut plain) = (first.as_bytes(), Vec::new());
    while let [byte, after @ ..] = rest {
        let code = if *byte == b'%' { after.get(..2).and_then(|code| std::str::from_utf8(code).ok()) } else { None };
        let decoded = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        plain.push(decoded.unwrap_or(*byte));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    plain.eq_ignore_ascii_case(b"admin")
}

/// Whether a path has a `.` or `..` segment, plain or percent-encoded. Services would resolve it, and so see
/// another path than the one that was routed.
pub(crate) fn has_dot_segment(path: &str) -> bool {
    path.split(['/', '\\']).any(|segment| {
        let plain = segment.replace("%2e", ".").replace("%2E", ".");
        plain == "." || plain == ".."
    })
}
