//! A document as it is answered: packed once, with a tag by which who has it is told so.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;

use crate::openapi::Document;

/// JSON, plain and packed.
#[derive(Debug)]
pub(super) struct Told {
    plain: Bytes,
    packed: Option<Bytes>,
    tag: HeaderValue,
}

impl Told {
    pub(super) fn document(document: &Document) -> Self {
        Self::json(document.as_value().to_string())
    }

    pub(super) fn json(text: String) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).ok().map(Bytes::from);
        let tag = format!("W/\"{:032x}\"", xxhash_rust::xxh3::xxh3_128(text.as_bytes()));
        // Hexadecimal digits can stand in any header.
        let tag = HeaderValue::try_from(tag).unwrap_or_else(|_| HeaderValue::from_static("W/\"\""));
        Self { plain: text.into(), packed, tag }
    }

    pub(super) fn answer(&self, method: &Method, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let kind = HeaderValue::from_static("application/json");
        let packed = self.packed.clone().filter(|_| takes_gzip(headers));
        let (body, is_packed) = packed.map_or_else(|| (self.plain.clone(), false), |packed| (packed, true));
        let mut response = answer(method, headers, &self.tag, (body, is_packed), kind);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}

/// An answer, or that the client has it already (RFC 9110, 13.1.2).
pub(super) fn answer(
    method: &Method,
    asked: &HeaderMap,
    tag: &HeaderValue,
    (body, is_packed): (Bytes, bool),
    kind: HeaderValue,
) -> Response<Full<Bytes>> {
    let has = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let ours = tag.to_str().map(opaque).unwrap_or_default();
    let is_known = has.flat_map(|tags| tags.split(',')).any(|its| opaque(its) == ours || its.trim() == "*");
    let length = body.len();
    let mut response = match is_known {
        true => Response::new(Full::default()),
        false if *method == Method::HEAD => Response::new(Full::default()),
        false => Response::new(Full::from(body)),
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag.clone());
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether who asks can read what is packed.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|codings| codings.to_str().ok());
    codings.flat_map(|codings| codings.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
        is_gzip && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}
