//! Answers made of what is stored.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use tradewind_events::Timestamp;

use super::answered::Reused;
use super::body::CacheBody;
use super::coding::{self, ContentCoding, Form};
use super::entry::{Condition, Stored};
use super::range::{self, Wanted};
use super::status::{CACHE_STATUS, CacheStatus};
use super::validators;

/// What a 304 does not repeat: it describes a body that is not sent (RFC 9110 §15.4.5).
const NOT_IN_304: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_RANGE,
];

/// What of a request matters for the form of an answer.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    /// What the client would like it to be packed with.
    pub(crate) coding: Option<&'static dyn ContentCoding>,
}

/// Answers a request with what is stored, or with the part that it wants, or by saying that it has it already.
pub(crate) fn answer(stored: &Stored, wish: Wish<'_>, status: CacheStatus, now: Timestamp) -> Response<CacheBody> {
    let freshness = &stored.head.freshness;
    let age = freshness.age(now);
    let stale_for = match stored.condition(now) {
        Condition::Fresh => None,
        Condition::Stale(stale_for) => Some(stale_for),
    };
    stored.use_at(now);
    let mut response = content(stored, wish);
    let reused = Reused { age, stale_for, position: stored.head.position };
    let is_hit = status == CacheStatus::hit();
    let status = status.with_ttl(freshness.fresh_for(now), stale_for);
    if is_hit {
        stored.tell_hit(&reused, status, response.headers_mut());
    } else {
        response.headers_mut().insert(header::AGE, HeaderValue::from(age.as_secs()));
        response.headers_mut().insert(CACHE_STATUS, status.value());
    }
    response.body_mut().tell_reused(reused);
    response
}

fn content(stored: &Stored, wish: Wish<'_>) -> Response<CacheBody> {
    let own = stored.own_form();
    if stored.head.status != StatusCode::OK {
        return whole(stored.head.status, own, wish.method);
    }
    let packed = wish.coding.and_then(|coding| stored.packed(coding));
    let form = coding::choose(own, packed, wish.headers);
    if let Some(headers) = not_modified(form.headers, wish) {
        return respond(StatusCode::NOT_MODIFIED, headers, CacheBody::whole(Default::default()));
    }
    let wanted = match *wish.method {
        Method::GET => range::wanted(wish.headers, form.headers, form.body.len(), wish.coding.is_none()),
        _ => Wanted::Whole,
    };
    let (status, told, body) = match wanted {
        Wanted::Whole => return whole(stored.head.status, form, wish.method),
        Wanted::Part(part) => {
            let told = format!("bytes {}-{}/{}", part.start, part.end - 1, form.body.len());
            (StatusCode::PARTIAL_CONTENT, told, form.body.slice(part))
        }
        Wanted::Nothing => {
            (StatusCode::RANGE_NOT_SATISFIABLE, format!("bytes */{}", form.body.len()), Default::default())
        }
    };
    let mut headers = form.headers.clone();
    if let Ok(told) = HeaderValue::from_str(&told) {
        headers.insert(header::CONTENT_RANGE, told);
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    respond(status, headers, CacheBody::whole(body))
}

fn whole(status: StatusCode, form: Form<'_>, method: &Method) -> Response<CacheBody> {
    let body = if *method == Method::HEAD { Default::default() } else { form.body.clone() };
    respond(status, form.headers.clone(), CacheBody::whole(body))
}

/// The headers of a 304 in place of an answer with these, if the client has that already: in this form, or in one that
/// is not at hand but was once sent in its place.
pub(crate) fn not_modified(headers: &HeaderMap, wish: Wish<'_>) -> Option<HeaderMap> {
    let other = match validators::is_known_to(wish.headers, headers) {
        true => None,
        false => Some(coding::known_form(wish.headers, headers, wish.coding?)?),
    };
    let mut headers = headers.clone();
    NOT_IN_304.iter().for_each(|name| {
        headers.remove(name);
    });
    if let Some(tag) = other {
        headers.insert(header::ETAG, tag);
        coding::tell_choice(&mut headers);
    }
    if wish.coding.is_some() {
        coding::tell_known_tag(wish.headers, &mut headers);
    }
    Some(headers)
}

pub(crate) fn respond(status: StatusCode, headers: HeaderMap, body: CacheBody) -> Response<CacheBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
