//! `Vary` (RFC 9111 §4.1): the headers of the request by which an answer was chosen.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::list::members;
use super::unkeyed::{is_of_the_gateway, of_proxies};

/// The headers that an answer named, and what the request that it answered said in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selecting(Box<[(HeaderName, Said)]>);

/// What a request says in a header.
#[derive(Debug, Clone)]
struct Said {
    /// In one way, however it is written; nothing if it does not have the header.
    normal: Option<Box<[u8]>>,
    /// As it is written, if that is on one line: who says it again usually does it in the same way.
    raw: Option<Box<[u8]>>,
}

impl PartialEq for Said {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

impl Eq for Said {}

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
        let is_said = |name: &HeaderName| self.0.iter().any(|(known, said)| known == name && said.normal.is_some());
        self.0.iter().all(|(name, said)| request.says_so(name, said)) && of_proxies(request.headers).all(is_said)
    }

    /// What a request says in these headers, as text that tells it from what others say.
    pub(crate) fn said_by(&self, request: Choosing<'_>) -> String {
        self.0.iter().fold(String::new(), |mut all, (name, _)| {
            let said = request.says(name).normal;
            all.push('\n');
            all.push_str(&said.map_or_else(|| "-".to_owned(), |said| format!("={}", said.escape_ascii())));
            all
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        let said = |said: &Said| 2 * said.normal.as_ref().map_or(0, |normal| normal.len());
        self.0.iter().map(|(name, known)| 192 + name.as_str().len() + said(known)).sum()
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
            return Said { normal: None, raw: None };
        }
        let mut lines = self.headers.get_all(name).iter().map(HeaderValue::as_bytes);
        let raw = lines.next().filter(|_| lines.next().is_none()).map(Into::into);
        let mut all: Vec<Vec<u8>> = members(self.headers, name).map(<[u8]>::to_vec).collect();
        if name == header::ACCEPT_ENCODING || name == header::ACCEPT_LANGUAGE {
            all.iter_mut().for_each(|member| member.make_ascii_lowercase());
        }
        if name == header::ACCEPT_ENCODING {
            all.sort_unstable();
        }
        Said { normal: Some(all.join(&b',').into()), raw }
    }

    /// Whether a header says just that.
    fn says_so(self, name: &HeaderName, said: &Said) -> bool {
        if !self.has(name) || said.normal.is_none() {
            return !self.has(name) && said.normal.is_none();
        }
        let mut lines = self.headers.get_all(name).iter().map(HeaderValue::as_bytes);
        let is_same = said.raw.is_some() && lines.next() == said.raw.as_deref() && lines.next().is_none();
        is_same || self.says(name) == *said
    }
}
