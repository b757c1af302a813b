//! Connections that change their protocol: WebSocket and its like (RFC 9110 §7.8).

use http::header::{self, HeaderMap, HeaderValue};
use http::{Version, request};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio_util::sync::CancellationToken;

/// The protocol that a request asks to change to.
pub(crate) fn wanted(parts: &request::Parts) -> Option<HeaderValue> {
    let asks = parts.headers.get_all(header::CONNECTION).iter().any(|value| {
        value.to_str().is_ok_and(|text| text.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade")))
    });
    if asks && parts.version == Version::HTTP_11 { parts.headers.get(header::UPGRADE).cloned() } else { None }
}

/// Says again what hop-by-hop removal took away.
pub(crate) fn ask(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

/// Copies bytes both ways until either side closes or the gateway stops.
pub(crate) fn join(client: OnUpgrade, service: OnUpgrade, stop: CancellationToken) {
    tokio::spawn(async move {
        let both = async {
            let (client, service) = tokio::try_join!(client, service).ok()?;
            let (mut client, mut service) = (TokioIo::new(client), TokioIo::new(service));
            copy_bidirectional(&mut client, &mut service).await.ok()
        };
        tokio::select! {
            _ = both => {}
            () = stop.cancelled() => {}
        }
    });
}
