//! The page and what it loads, from the program. Most of it is Swagger UI, packed as in its release (Apache License 2.0).

use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;

use super::told::{answer, takes_gzip};
use crate::problem::Problem;

/// A file of the page.
pub(super) struct File {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    is_packed: bool,
}

const HTML: &str = "text/html; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Only what comes from the gateway is loaded, and only the gateway is asked. Swagger UI styles by attributes, and has
/// pictures in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

pub(super) static PAGE: File =
    File { name: "page.html", kind: HTML, bytes: include_bytes!("page.html"), is_packed: false };

/// A file of Swagger UI.
macro_rules! packed {
    ($name:literal, $kind:expr) => {
        File {
            name: $name,
            kind: $kind,
            bytes: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
            is_packed: true,
        }
    };
}

static FILES: [File; 6] = [
    File { name: "start.js", kind: JAVASCRIPT, bytes: include_bytes!("start.js"), is_packed: false },
    packed!("swagger-ui.css", "text/css; charset=utf-8"),
    packed!("swagger-ui-bundle.js", JAVASCRIPT),
    packed!("swagger-ui-standalone-preset.js", JAVASCRIPT),
    packed!("favicon-32x32.png", "image/png"),
    packed!("LICENSE", "text/plain; charset=utf-8"),
];

pub(super) fn of_name(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

impl File {
    pub(super) fn answer(&self, method: &Method, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let as_it_is = !self.is_packed || takes_gzip(headers);
        let body = match as_it_is {
            true => Bytes::from_static(self.bytes),
            false => match self.unpacked() {
                Ok(bytes) => bytes.into(),
                // A test unpacks all of them.
                Err(_) => {
                    let problem = Problem::refused(StatusCode::NOT_ACCEPTABLE, "this is sent packed by gzip only");
                    return problem.response("", false);
                }
            },
        };
        let tag = format!("W/\"{:032x}\"", xxhash_rust::xxh3::xxh3_128(self.bytes));
        let tag = HeaderValue::try_from(tag).unwrap_or_else(|_| HeaderValue::from_static("W/\"\""));
        let body = (body, self.is_packed && as_it_is);
        let mut response = answer(method, headers, &tag, body, HeaderValue::from_static(self.kind));
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if self.kind == HTML {
            headers.insert(HeaderName::from_static("content-security-policy"), HeaderValue::from_static(POLICY));
        }
        response
    }

    fn unpacked(&self) -> std::io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        GzDecoder::new(self.bytes).read_to_end(&mut plain)?;
        Ok(plain)
    }
}
