//! The routes: the document at every path of the page, the files below `/assets/`, and "not found" for the rest.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::{assets, etag};

/// Nothing from elsewhere and no script or style inside the document: text that slips in as markup stays harmless. The
/// frame is for invoices, which are shown as they are printed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The paths that the page's own router knows (`web/assets/js/app.js`).
const PAGES: &[&str] = &[
    "/",
    "/products",
    "/product/{id}",
    "/cart",
    "/checkout",
    "/orders",
    "/orders/{id}",
    "/invoices",
    "/invoices/{number}",
    "/account",
    "/sales",
];

/// Serves the page: the document at its paths, its files at `/assets/…`, and for any other path the document with 404
/// for a person or problem details (RFC 9457) for a program. Stateless; it claims every path that the host does not.
pub fn router() -> Router {
    let shelf = Arc::new(Shelf::new());
    let router = PAGES.iter().fold(Router::new(), |router, path| router.route(path, get(document)));
    router.route("/assets/{*path}", get(asset)).route("/{*path}", get(unknown)).with_state(shelf)
}

/// The embedded files with their tags, computed once.
struct Shelf {
    index: File,
    assets: HashMap<&'static str, File>,
}

struct File {
    content: &'static [u8],
    content_type: &'static str,
    etag: String,
}

impl Shelf {
    fn new() -> Self {
        let file = |content, content_type| File { content, content_type, etag: etag::of(content) };
        Self {
            index: file(assets::INDEX, "text/html; charset=utf-8"),
            assets: assets::ALL.iter().map(|asset| (asset.path, file(asset.content, asset.content_type()))).collect(),
        }
    }
}

async fn document(State(shelf): State<Arc<Shelf>>, headers: HeaderMap) -> Response {
    shelf.index.answer(&headers)
}

async fn asset(State(shelf): State<Arc<Shelf>>, Path(path): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    match shelf.assets.get(path.as_str()) {
        Some(file) => file.answer(&headers),
        None => not_found(&uri),
    }
}

async fn unknown(State(shelf): State<Arc<Shelf>>, uri: Uri, headers: HeaderMap) -> Response {
    let wants_page =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|a| a.contains("text/html"));
    let mut response = if wants_page {
        // Not conditional: a browser that holds the document must still learn that this path is none.
        let mut response = shelf.index.answer(&HeaderMap::new());
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    } else {
        not_found(&uri)
    };
    response.headers_mut().insert(VARY, axum::http::HeaderValue::from_static("Accept"));
    response
}

impl File {
    fn answer(&self, request: &HeaderMap) -> Response {
        let known = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let fresh = known.into_iter().any(|names| etag::is_named(names, &self.etag));
        // The names of the files carry no version, so a browser keeps them but asks each time.
        let common = [
            (ETAG, self.etag.as_str()),
            (CACHE_CONTROL, "no-cache"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "same-origin"),
        ];
        if fresh {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        (common, [(CONTENT_TYPE, self.content_type)], Body::from(self.content)).into_response()
    }
}

fn not_found(uri: &Uri) -> Response {
    let body = json!({
        "type": "https://tradewind.dev/errors/TW-2003",
        "title": "There is no such thing",
        "status": 404,
        "detail": format!("the storefront has nothing at {}", uri.path()),
        "code": "TW-2003",
    });
    (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
