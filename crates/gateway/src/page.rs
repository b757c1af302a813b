//! The same problem for people: a page that needs nothing from anywhere, and tries again by itself if that may help.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response};
use http_body_util::Full;

use crate::problem::Problem;

/// After how long the page asks again. Services that fall are back within seconds.
const REFRESH_SECONDS: u32 = 3;

const STYLE: &str = "
:root { color-scheme: light dark; --ground: #fbfbf9; --text: #1d1f22; --quiet: #62666d }
@media (prefers-color-scheme: dark) { :root { --ground: #16181b; --text: #e8e9eb; --quiet: #9ba0a8 } }
body { margin: 0; min-height: 100vh; display: grid; place-content: center; justify-items: start; padding: 2rem;
  background: var(--ground); color: var(--text); font: 1.05rem/1.6 system-ui, sans-serif; box-sizing: border-box }
main { max-width: 34rem }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 .75rem }
p { margin: 0 0 .75rem }
small { color: var(--quiet) }
";

/// Whether a request comes from somebody who looks at pages.
pub(crate) fn is_wanted(method: &Method, headers: &HeaderMap) -> bool {
    let kinds = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let is_page = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"))
            && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    };
    *method == Method::GET && kinds.flat_map(|value| value.split(',')).any(is_page)
}

/// The answer. Nothing in it is of the request but its id, which has no character that means anything in HTML.
pub(crate) fn response(problem: &Problem, request_id: &str) -> Response<Full<Bytes>> {
    let (code, status) = (problem.code, problem.status.as_u16());
    let mut html = String::with_capacity(2_048);
    html.push_str("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
    html.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n");
    let asks_again = problem.retry_after.is_some();
    if asks_again {
        let _ = writeln!(html, "<meta http-equiv=\"refresh\" content=\"{REFRESH_SECONDS}\">");
    }
    let heading = problem.heading;
    let _ = writeln!(html, "<title>{heading}</title>\n<style>{STYLE}</style>\n<main>\n<h1>{heading}</h1>");
    let _ = writeln!(html, "<p>{}</p>", problem.sentence);
    if asks_again {
        html.push_str(
            "<p>This page tries again by itself every few seconds; there is nothing that you need to do.</p>\n",
        );
    }
    let _ = writeln!(html, "<small>{code}, status {status}, request {request_id}</small>\n</main>\n</html>");
    let mut response = Response::new(Full::from(html));
    let headers = response.headers_mut();
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'");
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(HeaderName::from_static("content-security-policy"), policy);
    response
}
