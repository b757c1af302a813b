//! Answers made of what is stored.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use tradewind_events::Timestamp;

use super::answered::Reused;
use super::body::CacheBody;
use super::entry::{Condition, Stored};
use super::range::{self, Wanted};
use super::status::CacheStatus;
use super::validators;

/// What a 304 does not repeat: it describes a body that is not sent (RFC 9110 §15.4.5).
const NOT_IN_304: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_RANGE,
];

/// Answers a request with what is stored, or with the part that it wants, or by saying that it has it already.
pub(crate) fn answer(
    stored: &Stored,
    method: &Method,
    request: &HeaderMap,
    status: CacheStatus,
    now: Timestamp,
) -> Response<CacheBody> {
    let freshness = &stored.head.freshness;
    let age = freshness.age(now);
    let stale_for = match stored.condition(now) {
        Condition::Fresh => None,
        Condition::Stale(stale_for) => Some(stale_for),
    };
    let mut response = content(stored, method, request);
    let headers = response.headers_mut();
    headers.insert(header::AGE, HeaderValue::from(age.as_secs()));
    status.with_ttl(freshness.fresh_for(now), stale_for).tell(headers);
    response.extensions_mut().insert(Reused { age, stale_for, position: stored.head.position });
    response
}

fn content(stored: &Stored, method: &Method, request: &HeaderMap) -> Response<CacheBody> {
    let (status, mut headers) = (stored.head.status, stored.head.headers.clone());
    let is_content = status == StatusCode::OK;
    if is_content && validators::is_known_to(request, &headers) {
        return respond(StatusCode::NOT_MODIFIED, not_modified(headers), CacheBody::whole(Default::default()));
    }
    let wanted = if is_content && *method == Method::GET {
        range::wanted(request, &headers, stored.body.len())
    } else {
        Wanted::Whole
    };
    let (status, body) = match wanted {
        Wanted::Whole => (status, stored.body.clone()),
        Wanted::Part(part) => {
            let told = format!("bytes {}-{}/{}", part.start, part.end - 1, stored.body.len());
            tell_range(&mut headers, &told);
            (StatusCode::PARTIAL_CONTENT, stored.body.slice(part))
        }
        Wanted::Nothing => {
            tell_range(&mut headers, &format!("bytes */{}", stored.body.len()));
            (StatusCode::RANGE_NOT_SATISFIABLE, Default::default())
        }
    };
    if status != StatusCode::NO_CONTENT {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    let body = if *method == Method::HEAD { Default::default() } else { body };
    respond(status, headers, CacheBody::whole(body))
}

/// The headers of a 304 in place of this answer.
pub(crate) fn not_modified(mut headers: HeaderMap) -> HeaderMap {
    NOT_IN_304.iter().for_each(|name| {
        headers.remove(name);
    });
    headers
}

fn tell_range(headers: &mut HeaderMap, told: &str) {
    if let Ok(told) = HeaderValue::from_str(told) {
        headers.insert(header::CONTENT_RANGE, told);
    }
}

pub(crate) fn respond(status: StatusCode, headers: HeaderMap, body: CacheBody) -> Response<CacheBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
