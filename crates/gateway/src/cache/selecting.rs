//! `Vary` (RFC 9111 §4.1): the headers of the request by which an answer was chosen.

use http::{HeaderMap, HeaderName, header};

use super::list::members;
use super::unkeyed::{is_of_the_gateway, of_proxies};

/// The headers that an answer named, and what the request that it answered said in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selecting(Box<[(HeaderName, Said)]>);

/// What a request says in a header; nothing if it does not have it.
type Said = Option<Box<[u8]>>;

/// A request's headers, as far as they choose an answer.
#[derive(Clone, Copy)]
pub(crate) struct Choosing<'a> {
    pub(crate) headers: &'a HeaderMap,
    /// Whether the gateway packs the answer, so that what the client can read does not choose it.
    pub(crate) is_packed_here: bool,
}

impl Selecting {
    /// Nothing if the answer was chosen by something that no request tells: `*`, or what is no header's name.
    pub(crate) fn of(answer: &HeaderMap, request: Choosing<'_>) -> Option<Self> {
        let names: Result<Vec<HeaderName>, _> = members(answer, &header::VARY).map(HeaderName::from_bytes).collect();
        let mut names = names.ok()?;
        // `*` is a token, and so it would be a name.
        if names.iter().any(|name| name == "*" || is_of_the_gateway(name)) {
            return None;
        }
        names.extend(of_proxies(request.headers).cloned());
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        Some(Self(names.into_iter().map(|name| (name.clone(), request.says(&name))).collect()))
    }

    /// Whether a request would have been answered with the same.
    pub(crate) fn matches(&self, request: Choosing<'_>) -> bool {
        let is_said = |name: &HeaderName| self.0.iter().any(|(known, said)| known == name && said.is_some());
        self.0.iter().all(|(name, said)| request.says_so(name, said.as_deref()))
            && of_proxies(request.headers).all(is_said)
    }

    /// What a request says in these headers, as text that tells it from what others say.
    pub(crate) fn said_by(&self, request: Choosing<'_>) -> String {
        self.0.iter().fold(String::new(), |mut all, (name, _)| {
            let said = request.says(name);
            all.push('\n');
            all.push_str(&said.map_or_else(|| "-".to_owned(), |said| format!("={}", said.escape_ascii())));
            all
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|(name, said)| 64 + name.as_str().len() + said.as_ref().map_or(0, |said| said.len())).sum()
    }
}

impl Choosing<'_> {
    fn has(self, name: &HeaderName) -> bool {
        self.headers.contains_key(name) && !(self.is_packed_here && name == header::ACCEPT_ENCODING)
    }

    /// A header's members, put together in one way: neither lines nor white space make a difference. In
    /// `Accept-Encoding` case and order do not either, since a preference is told by its weight there.
    fn says(self, name: &HeaderName) -> Said {
        if !self.has(name) {
            return None;
        }
        let mut all: Vec<Vec<u8>> = members(self.headers, name).map(<[u8]>::to_vec).collect();
        if name == header::ACCEPT_ENCODING || name == header::ACCEPT_LANGUAGE {
            all.iter_mut().for_each(|member| member.make_ascii_lowercase());
        }
        if name == header::ACCEPT_ENCODING {
            all.sort_unstable();
        }
        Some(all.join(&b',').into())
    }

    /// Whether a header says just that.
    fn says_so(self, name: &HeaderName, said: Option<&[u8]>) -> bool {
        let Some(said) = said else { return !self.has(name) };
        if !self.has(name) {
            return false;
        }
        if name == header::ACCEPT_ENCODING || name == header::ACCEPT_LANGUAGE {
            return self.says(name).as_deref() == Some(said);
        }
        // As above, without putting anything together.
        let mut rest = Some(said);
        for (index, member) in members(self.headers, name).enumerate() {
            rest = rest.and_then(|rest| if index == 0 { Some(rest) } else { rest.strip_prefix(b",") });
            rest = rest.and_then(|rest| rest.strip_prefix(member));
        }
        rest.is_some_and(<[u8]>::is_empty)
    }
}
