//! Headers that change what is done or what is answered. One that cannot be read is refused: if a garbled key were
//! taken for none, a retry would place a second order.

use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};

use tradewind_http::is_json;

use crate::Problem;

/// Which position an answer reflects.
pub(crate) const POSITION: HeaderName = HeaderName::from_static("tradewind-position");
/// Which position an answer must reflect at least.
pub(crate) const AFTER: HeaderName = HeaderName::from_static("tradewind-after");
/// As of when to answer.
pub(crate) const AS_OF: HeaderName = HeaderName::from_static("tradewind-as-of");
/// The same in a URL, so that a link can lead to the past.
pub(crate) const AS_OF_PARAMETER: &str = "as_of";
/// That a command had taken effect before.
pub(crate) const DUPLICATE: HeaderName = HeaderName::from_static("tradewind-duplicate");
/// What makes sending a command again harmless.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// On whose behalf.
pub(crate) const ACTOR: HeaderName = HeaderName::from_static("tradewind-actor");
/// The conversation that a command belongs to.
pub(crate) const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");

/// The longest value of one of them.
const VALUE_BYTES_MAX: usize = 512;

/// A header's text, if it is there.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let refused = |why: &str| Err(Problem::bad_request(format!("the header {name} {why}")));
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return refused("is there more than once");
    }
    match value.to_str().map(str::trim) {
        Err(_) => refused("has characters that are not ASCII"),
        Ok("") => refused("is empty"),
        Ok(text) if text.len() > VALUE_BYTES_MAX => refused(&format!("is longer than {VALUE_BYTES_MAX} bytes")),
        Ok(text) => Ok(Some(text)),
    }
}

/// A parameter in the URL, refused as a header is.
pub(crate) fn parameter(uri: &Uri, name: &str) -> Result<Option<String>, Problem> {
    let all = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let Query(all) = all.map_err(|malformed| Problem::bad_request(malformed.body_text()))?;
    let refused = |why: &str| Err(Problem::bad_request(format!("the parameter {name} {why}")));
    let mut values = all.into_iter().filter(|(found, _)| found == name).map(|(_, value)| value);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return refused("is there more than once");
    }
    match value.trim() {
        "" => refused("is empty"),
        text if text.len() > VALUE_BYTES_MAX => refused(&format!("is longer than {VALUE_BYTES_MAX} bytes")),
        text => Ok(Some(text.to_owned())),
    }
}

/// A header's text if it is there and can be read. For trace context alone, which changes nothing that is done, and
/// of which W3C says that what is malformed is ignored.
pub(crate) fn if_readable(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    text(headers, name).ok().flatten().map(str::to_owned)
}

/// Refuses a body that is not said to be JSON.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    if is_json(headers) { Ok(()) } else { Err(not_json("the body must be sent as Content-Type: application/json")) }
}

/// Refuses what any web page could make a visitor's browser send here, to a service on this very machine, without
/// asking first: a POST without a body that has neither a JSON content type nor a header of ours.
pub(crate) fn require_deliberate(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let safelisted =
        method == Method::POST && !is_json(headers) && ![KEY, ACTOR].iter().any(|h| headers.contains_key(h));
    if safelisted {
        return Err(not_json("send Content-Type: application/json, Idempotency-Key or Tradewind-Actor with it"));
    }
    Ok(())
}

fn not_json(detail: &str) -> Problem {
    Problem::bad_request(detail).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
}
