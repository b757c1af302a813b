//! What fuzz targets reach into: only in a build with `--cfg fuzzing`.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, Method, Uri, Version, request};
use tradewind_http::Network;

use crate::forwarded::{Client, believe, disbelieve};
use crate::headers::{REQUEST_ID, RequestId, prepare_request, remove_hop_by_hop};
use crate::policy::{compress, framing, trace};

/// Whether a request is refused since it could be understood in two ways.
#[must_use]
pub fn is_refused(method: &Method, version: Version, uri: &Uri, headers: &HeaderMap) -> bool {
    framing::check(method, version, uri, headers).is_err()
}

/// Makes a client's request one of the gateway's own. Who is believed to be the client.
pub fn prepare(parts: &mut request::Parts, address: IpAddr, trusted: &[Network]) -> IpAddr {
    let is_trusted = trusted.iter().any(|network| network.contains(address));
    remove_hop_by_hop(&mut parts.headers);
    let peer = Client { address, over_tls: true };
    let client = match is_trusted {
        true => believe(&mut parts.headers, peer, trusted),
        false => disbelieve(&mut parts.headers, peer),
    };
    let known = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static("an-id"))]);
    prepare_request(parts, peer, &RequestId::of(&known));
    trace::pass_on(&mut parts.headers);
    client.address
}

/// The coding that a client likes best, by its name.
#[must_use]
pub fn coding(request: &HeaderMap) -> Option<&'static dyn crate::cache::ContentCoding> {
    compress::choose(request).map(compress::Coding::for_stored)
}
