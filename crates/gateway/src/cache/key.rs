//! What is asked for.

use std::fmt;
use std::sync::Arc;

use http::Uri;

/// What a stored answer is found by, before `Vary`: who answers, under which name it was asked, and the target.
///
/// The scope keeps apart what must not be mixed up, such as two services, or a profile's answers and another's.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

/// Stands between the parts, and in none of them: headers and targets have no line feeds.
const BETWEEN: char = '\n';

impl Key {
    /// The key of a target, as `/products/7?size=2`.
    #[must_use]
    pub fn new(scope: &str, authority: &str, target: &str) -> Self {
        let mut text = String::with_capacity(scope.len() + authority.len() + target.len() + 2);
        text.push_str(scope);
        text.push(BETWEEN);
        text.extend(authority.chars().map(|c| c.to_ascii_lowercase()));
        text.push(BETWEEN);
        text.push_str(target);
        Self(text.into())
    }

    /// The key of what a header of an answer names, if it is of the same origin (RFC 9111 §4.4).
    pub(crate) fn named_in(&self, reference: &str) -> Option<Self> {
        let (front, target) = self.0.rsplit_once(BETWEEN)?;
        let (scope, authority) = front.split_once(BETWEEN)?;
        let reference = reference.split('#').next()?.trim();
        let path = target.split('?').next().unwrap_or_default();
        let has_scheme = reference.split(['/', '?']).next().is_some_and(|first| first.ends_with(':'));
        let named = if has_scheme || reference.starts_with("//") {
            // What names only an authority is no URI to the parser, and its scheme makes no difference here.
            let absolute = if has_scheme { reference.to_owned() } else { format!("http:{reference}") };
            let uri: Uri = absolute.parse().ok()?;
            uri.authority().filter(|other| other.as_str().eq_ignore_ascii_case(authority))?;
            uri.path_and_query()?.as_str().to_owned()
        } else if reference.starts_with('/') {
            reference.to_owned()
        } else if reference.is_empty() || reference.starts_with('?') {
            format!("{path}{reference}")
        } else {
            format!("{}/{reference}", path.rsplit_once('/').map_or("", |(folder, _)| folder))
        };
        Some(Self::new(scope, authority, &named))
    }

    pub(crate) fn text(&self) -> &Arc<str> {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
