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
        let reference = reference.split('#').next()?;
        // What names only an authority is no URI to the parser, and its scheme makes no difference here.
        let uri: Uri = if reference.starts_with("//") { format!("http:{reference}") } else { reference.to_owned() }
            .parse()
            .ok()?;
        let of_same_origin = uri.authority().is_none_or(|other| other.as_str().eq_ignore_ascii_case(authority));
        let named = uri.path_and_query()?.as_str();
        let named = if named.starts_with('/') {
            named.to_owned()
        } else {
            // Relative to where the target is.
            let path = target.split('?').next().unwrap_or_default();
            format!("{}/{named}", path.rsplit_once('/').map_or("", |(folder, _)| folder))
        };
        of_same_origin.then(|| Self::new(scope, authority, &named))
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
