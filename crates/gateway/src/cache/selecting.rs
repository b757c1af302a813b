//! `Vary` (RFC 9111 §4.1): the headers of the request by which an answer was chosen.

use http::{HeaderMap, HeaderName, header};

use super::list::members;

/// The headers that an answer named, and what the request that it answered said in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selecting(Box<[(HeaderName, Said)]>);

/// What a request says in a header; nothing if it does not have it.
type Said = Option<Box<[u8]>>;

impl Selecting {
    /// Nothing if the answer was chosen by something that no request tells: `*`, or what is no header's name.
    pub(crate) fn of(answer: &HeaderMap, request: &HeaderMap) -> Option<Self> {
        let names: Result<Vec<HeaderName>, _> = members(answer, &header::VARY).map(HeaderName::from_bytes).collect();
        let mut names = names.ok()?;
        // `*` is a token, and so it would be a name.
        if names.iter().any(|name| name == "*") {
            return None;
        }
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        Some(Self(names.into_iter().map(|name| (name.clone(), normal(request, &name))).collect()))
    }

    /// Whether a request would have been answered with the same.
    pub(crate) fn matches(&self, request: &HeaderMap) -> bool {
        self.0.iter().all(|(name, said)| normal(request, name) == *said)
    }

    /// What a request says in these headers, as text that tells it from what others say.
    pub(crate) fn said_by(&self, request: &HeaderMap) -> String {
        self.0.iter().fold(String::new(), |mut all, (name, _)| {
            let said = normal(request, name);
            all.push('\n');
            all.push_str(&said.map_or_else(|| "-".to_owned(), |said| format!("={}", said.escape_ascii())));
            all
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|(name, said)| 64 + name.as_str().len() + said.as_ref().map_or(0, |said| said.len())).sum()
    }
}

/// A header's members, put together in one way: neither lines nor white space make a difference. In `Accept-Encoding`
/// case and order do not either, since a preference is told by its weight there.
fn normal(headers: &HeaderMap, name: &HeaderName) -> Said {
    if !headers.contains_key(name) {
        return None;
    }
    let mut all: Vec<Vec<u8>> = members(headers, name).map(<[u8]>::to_vec).collect();
    if name == header::ACCEPT_ENCODING || name == header::ACCEPT_LANGUAGE {
        all.iter_mut().for_each(|member| member.make_ascii_lowercase());
    }
    if name == header::ACCEPT_ENCODING {
        all.sort_unstable();
    }
    Some(all.join(&b',').into())
}
