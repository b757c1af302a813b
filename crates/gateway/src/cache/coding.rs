//! Answers packed once for all who can read it: content codings (RFC 9110 §8.4), and the forms of one answer.
//!
//! A form that is packed here is another representation of the same thing. So it has a validator of its own: the
//! service's strong tag with the coding and a hash of the bytes behind it, `"v7--br-5f3a0c1d2e4b6978"`. Bytes that differ,
//! because another release packs in another way, never go under the same tag, and so parts of them are never put
//! together. A weak tag says that forms mean the same, and is the same for all of them.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use xxhash_rust::xxh3::xxh3_64;

use super::entry::{Head, bytes_of};
use super::list::members;
use super::validators::{is_strong, opaque};

/// One way to pack bodies.
pub trait ContentCoding: fmt::Debug + Send + Sync + 'static {
    /// As `Content-Encoding` calls it. No two have the same name.
    fn name(&self) -> &'static str;

    /// Whether an answer with such a head, and a body of so many bytes, may and should be packed.
    fn takes(&self, status: StatusCode, headers: &HeaderMap, bytes: usize) -> bool;

    /// A body, packed as small as is sensible for one that is sent often.
    ///
    /// # Errors
    /// It could not be packed.
    fn pack(&self, body: &[u8]) -> io::Result<Vec<u8>>;
}

/// One form of a stored answer: complete headers, but for those of one exchange, and the body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Bytes,
}

/// What came of packing an answer.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    coding: &'static dyn ContentCoding,
    /// Nothing if it is not worth it.
    form: Option<(Arc<HeaderMap>, Bytes)>,
}

/// Bytes that it takes beside headers and body.
const OVERHEAD_BYTES: usize = 128;

impl Packed {
    /// The answer is as good as it came.
    pub(crate) fn not_worth_it(coding: &'static dyn ContentCoding) -> Self {
        Self { coding, form: None }
    }

    /// A form of an answer, if it is smaller than the body as it came.
    pub(crate) fn new(coding: &'static dyn ContentCoding, head: &Head, own: &Bytes, packed: Bytes) -> Self {
        if packed.len() >= own.len() {
            return Self::not_worth_it(coding);
        }
        let mut headers = head.headers.clone();
        mark(&mut headers, coding.name());
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(packed.len()));
        if let Some(tag) = head.headers.get(header::ETAG).and_then(|tag| tag_of_form(tag, coding.name(), &packed)) {
            headers.insert(header::ETAG, tag);
        }
        Self { coding, form: Some((Arc::new(headers), packed)) }
    }

    pub(crate) fn coding(&self) -> &'static dyn ContentCoding {
        self.coding
    }

    pub(crate) fn form(&self) -> Option<Form<'_>> {
        self.form.as_ref().map(|(headers, body)| Form { headers, body })
    }

    /// The same bytes under another head; nothing if that one forbids it.
    pub(crate) fn under(&self, head: &Head, own: &Bytes) -> Option<Self> {
        if !self.coding.takes(head.status, &head.headers, own.len()) {
            return None;
        }
        Some(match &self.form {
            None => self.clone(),
            Some((_, packed)) => Self::new(self.coding, head, own, packed.clone()),
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        OVERHEAD_BYTES + self.form.as_ref().map_or(0, |(headers, body)| body.len() + bytes_of(headers))
    }
}

/// What is told of the bytes as they came from the service, and not true of packed ones.
const OF_OTHER_BYTES: [&str; 6] =
    ["content-length", "accept-ranges", "content-md5", "content-digest", "repr-digest", "digest"];

/// Makes headers those of a packed body: all but its length and its validator.
pub(crate) fn mark(headers: &mut HeaderMap, coding: &'static str) {
    for name in OF_OTHER_BYTES {
        headers.remove(name);
    }
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    tell_choice(headers);
}

/// Says that an answer depends on what the client can read.
pub(crate) fn tell_choice(headers: &mut HeaderMap) {
    let says_so = |name: &[u8]| name == b"*" || name.eq_ignore_ascii_case(b"accept-encoding");
    if !members(headers, &header::VARY).any(says_so) {
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// Between the service's tag and the coding.
const BETWEEN: &[u8] = b"--";

/// Hexadecimal digits of the hash.
const HASH_DIGITS: usize = 16;

/// The tag of a packed form of what has a strong one.
fn tag_of_form(own: &HeaderValue, coding: &str, packed: &[u8]) -> Option<HeaderValue> {
    let bare = own.as_bytes().strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let behind = format!("{coding}-{:0HASH_DIGITS$x}\"", xxh3_64(packed));
    HeaderValue::from_bytes(&[b"\"", bare, BETWEEN, behind.as_bytes()].concat()).ok()
}

/// What stands between the quotes of the service's tag, and the coding, in the tag of a packed form.
fn read_tag(tag: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = tag.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let (text, hash) = text.split_at_checked(text.len().checked_sub(HASH_DIGITS)?)?;
    let is_hash = hash.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
    let text = text.strip_suffix(b"-").filter(|_| is_hash)?;
    let between = text.windows(BETWEEN.len()).rposition(|window| window == BETWEEN)?;
    let coding = &text[between + BETWEEN.len()..];
    coding.iter().all(u8::is_ascii_alphanumeric).then_some((&text[..between], coding))
}

/// The tag by which a client knows a packed form of what has this strong tag, whether that form is at hand or not.
pub(crate) fn known_form(request: &HeaderMap, own: &HeaderMap, coding: &dyn ContentCoding) -> Option<HeaderValue> {
    let own = own.get(header::ETAG).filter(|tag| is_strong(tag))?.as_bytes();
    let bare = own.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let is_it = |tag: &&[u8]| read_tag(opaque(tag)) == Some((bare, coding.name().as_bytes()));
    let tag = members(request, &header::IF_NONE_MATCH).find(is_it)?;
    HeaderValue::from_bytes(opaque(tag)).ok()
}

/// In the headers of a 304, tells the tag by which the client knows what it has (RFC 9111 §4.3.4): a weak one, if it has what
/// was packed on its way from what has a strong one.
pub(crate) fn tell_known_tag(request: &HeaderMap, headers: &mut HeaderMap) {
    let Some(strong) = headers.get(header::ETAG).filter(|tag| is_strong(tag)) else { return };
    let weak = [b"W/", strong.as_bytes()].concat();
    let knows = |tag: &[u8]| members(request, &header::IF_NONE_MATCH).any(|known| known == tag);
    if knows(&weak)
        && !knows(strong.as_bytes())
        && let Ok(weak) = HeaderValue::from_bytes(&weak)
    {
        headers.insert(header::ETAG, weak);
    }
}

/// In a condition for the service, which knows nothing of our forms, puts its own tags in the place of theirs.
pub(crate) fn ask_in_services_words(request: &mut HeaderMap) {
    const IF_MATCH: HeaderName = header::IF_MATCH;
    if !members(request, &IF_MATCH).any(|tag| read_tag(tag).is_some()) {
        return;
    }
    let own = |tag: &[u8]| read_tag(tag).map_or_else(|| tag.to_vec(), |(bare, _)| [b"\"", bare, b"\""].concat());
    let all: Vec<Vec<u8>> = members(request, &IF_MATCH).map(own).collect();
    if let Ok(all) = HeaderValue::from_bytes(&all.join(&b", "[..])) {
        request.insert(IF_MATCH, all);
    }
}

/// The form of an answer that a request is to be answered with: packed if it is there, unless the client has, or has a
/// part of, what came from the service.
pub(crate) fn choose<'a>(own: Form<'a>, packed: Option<&'a Packed>, request: &HeaderMap) -> Form<'a> {
    let Some(form) = packed.and_then(Packed::form) else { return own };
    let own_tag = own.headers.get(header::ETAG);
    if request.contains_key(header::RANGE) {
        // Without a tag that tells forms apart, parts of one could be put together with those of another.
        let tells_apart = form.headers.get(header::ETAG).is_some_and(is_strong);
        let wants_own = request.get(header::IF_RANGE).is_some_and(|version| Some(version) == own_tag);
        if !tells_apart || wants_own {
            return own;
        }
    }
    let names = |form: &Form<'_>| {
        let tag = form.headers.get(header::ETAG).map(|tag| opaque(tag.as_bytes()));
        members(request, &header::IF_NONE_MATCH).any(|known| Some(opaque(known)) == tag)
    };
    if names(&own) && !names(&form) { own } else { form }
}
