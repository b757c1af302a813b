//! What is asked for.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use http::Uri;
use quick_cache::Equivalent;

/// What a stored answer is found by, before `Vary`: who answers, under which name it was asked, and the target.
///
/// The scope keeps apart what must not be mixed up, such as two services, a profile's answers and another's, or what is
/// asked for over TLS and what is not.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    text: Arc<str>,
    /// Where the scope ends, but for whose answers these are.
    scope: usize,
    /// Where the authority begins, behind the scope.
    authority: usize,
    /// Where the target begins, behind the authority.
    target: usize,
}

/// The parts of a key, to look it up without making one.
#[derive(Debug, Clone, Copy)]
pub struct KeyRef<'a> {
    /// See [`Key`].
    pub scope: &'a str,
    /// The host, and perhaps a port, in any case.
    pub authority: &'a str,
    /// The path, and perhaps a query: `/products/7?size=2`.
    pub target: &'a str,
}

/// Stands between the parts; headers and targets have no line feeds.
const BETWEEN: char = '\n';

impl Key {
    /// The key of a target, as `/products/7?size=2`.
    #[must_use]
    pub fn new(scope: &str, authority: &str, target: &str) -> Self {
        KeyRef { scope, authority, target }.to_key()
    }

    /// The key of a target of which somebody has a stored answer of his own. `whose` is what tells those apart who have one;
    /// without it, it is the key of all others' answer. Who changes the target invalidates those of all.
    #[must_use]
    pub fn of_one(scope: &str, whose: Option<&str>, authority: &str, target: &str) -> Self {
        let Some(whose) = whose else { return Self::new(scope, authority, target) };
        let own = Self::new(&format!("{scope} {whose}"), authority, target);
        Self { scope: scope.len(), ..own }
    }

    /// The text of the key of all others, if this is somebody's own.
    pub(crate) fn of_all(&self) -> Option<Arc<str>> {
        let behind = self.authority - BETWEEN.len_utf8();
        (self.scope < behind).then(|| [&self.text[..self.scope], &self.text[behind..]].concat().into())
    }

    /// Its parts.
    #[must_use]
    pub fn parts(&self) -> KeyRef<'_> {
        let before = |at: usize| at - BETWEEN.len_utf8();
        KeyRef {
            scope: &self.text[..before(self.authority)],
            authority: &self.text[self.authority..before(self.target)],
            target: &self.text[self.target..],
        }
    }

    /// The key of what a header of an answer names, if it is of the same origin (RFC 9111 §4.4).
    pub(crate) fn named_in(&self, reference: &str) -> Option<Self> {
        let KeyRef { scope, authority, target } = self.parts();
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
        &self.text
    }
}

impl KeyRef<'_> {
    /// The key.
    #[must_use]
    pub fn to_key(self) -> Key {
        let Self { scope, authority, target } = self;
        let mut text = String::with_capacity(scope.len() + authority.len() + target.len() + 2);
        text.push_str(scope);
        text.push(BETWEEN);
        let authority_at = text.len();
        text.push_str(&in_lower_case(authority));
        text.push(BETWEEN);
        let target_at = text.len();
        text.push_str(target);
        Key { text: text.into(), scope: scope.len(), authority: authority_at, target: target_at }
    }
}

/// Names of hosts are the same in any case; hardly anybody writes one in another than this.
fn in_lower_case(authority: &str) -> Cow<'_, str> {
    match authority.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(authority.to_ascii_lowercase()),
        false => Cow::Borrowed(authority),
    }
}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.scope.hash(state);
        in_lower_case(self.authority).hash(state);
        self.target.hash(state);
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        let parts = key.parts();
        self.target == parts.target && self.authority.eq_ignore_ascii_case(parts.authority) && self.scope == parts.scope
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}
