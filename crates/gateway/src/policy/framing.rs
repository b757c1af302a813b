//! Requests of which two readers could think differently where they end or whom they are for. Such a request is how
//! another is smuggled past a gateway (RFC 9112 §11.2).
//!
//! hyper sees to most of it. It refuses lengths that differ or are no numbers, a transfer coding that does not end with
//! `chunked` or comes with HTTP/1.0, folded lines, spaces before a colon, bare carriage returns, and bad chunks. Of both
//! `Content-Length` and `Transfer-Encoding` it takes the latter, drops the former, and closes the connection behind the
//! request (§6.3). What is left is here.

use http::{HeaderMap, Method, StatusCode, Uri, Version, header};

use crate::problem::Problem;

/// Refuses what could be understood in two ways.
///
/// # Errors
/// 400 for a host that is missing, several or none at all (§3.2), another than the target's, or one with a user (RFC 9113
/// §8.3.1); 501 for a coding that would be lost on the way (§6.1), and for a tunnel.
pub(crate) fn check(method: &Method, version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    if *method == Method::CONNECT {
        return Err(Problem::refused(StatusCode::NOT_IMPLEMENTED, "this is a gateway, and no proxy to anywhere"));
    }
    check_host(version, uri, headers)?;
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    // Each connection has its own framing, so that the header does not go on; with it would go that the body is packed.
    if codings.any(|coding| !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")) {
        let detail = "of transfer codings, only chunked is understood";
        return Err(Problem::refused(StatusCode::NOT_IMPLEMENTED, detail));
    }
    Ok(())
}

fn check_host(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail| Err(Problem::refused(StatusCode::BAD_REQUEST, detail));
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return refused("the target names a user");
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return refused("the request has several Host headers"),
        (None, None) if uri.authority().is_some() || version == Version::HTTP_10 => return Ok(()),
        (None, None) => return refused("the request has no Host header"),
        (Some(host), None) => host,
    };
    let Some(host) = host.to_str().ok().filter(|host| is_host(host)) else {
        return refused("the Host header holds no host");
    };
    match uri.authority() {
        Some(authority) if !authority.as_str().eq_ignore_ascii_case(host) => {
            refused("the Host header and the target name different hosts")
        }
        _ => Ok(()),
    }
}

/// A name or an address, and perhaps a port; nothing of a user.
fn is_host(text: &str) -> bool {
    let parsed = text.parse::<http::uri::Authority>();
    parsed.is_ok_and(|authority| !authority.host().is_empty()) && !text.contains('@')
}
