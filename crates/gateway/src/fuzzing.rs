//! What fuzz targets reach into: only in a build with `--cfg fuzzing`.

use std::net::SocketAddr;

use http::{HeaderMap, Method, Uri, Version, request};

use crate::headers::{From, RequestId, prepare_request};
use crate::policy::{compress, framing, trace};

/// Whether a request is refused since it could be understood in two ways.
#[must_use]
pub fn is_refused(method: &Method, version: Version, uri: &Uri, headers: &HeaderMap) -> bool {
    framing::check(method, version, uri, headers).is_err()
}

/// Makes a client's request one of the gateway's own.
pub fn prepare(parts: &mut request::Parts, address: SocketAddr, is_trusted: bool) {
    let id = RequestId::of(&parts.headers);
    prepare_request(parts, From { address, over_tls: true, is_trusted }, &id);
    trace::pass_on(&mut parts.headers);
}

/// The coding that a client likes best, by its name.
#[must_use]
pub fn coding(request: &HeaderMap) -> Option<&'static dyn crate::cache::ContentCoding> {
    compress::choose(request).map(compress::Coding::for_stored)
}
