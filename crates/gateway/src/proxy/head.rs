//! What answers `HEAD`.

use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Body;

use crate::body::ResponseBody;

/// An answer without its content, which says how long that would have been (RFC 9110 §9.3.2). A server of HTTP/1 leaves
/// it out by itself, one of HTTP/2 does not.
pub(super) fn without_content(mut answer: Response<ResponseBody>) -> Response<ResponseBody> {
    // A service's answer that has ended still brings its connection back.
    if answer.body().is_end_stream() {
        return answer;
    }
    let has_length = !matches!(answer.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if let Some(length) = answer.body().size_hint().exact().filter(|_| has_length) {
        answer.headers_mut().entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    *answer.body_mut() = ResponseBody::Own(Full::default());
    answer
}
