//! Connections that change their protocol to WebSocket (RFC 9110 §7.8, RFC 6455). No other is passed on: who could
//! choose one could talk past the gateway with a service that misunderstands it.

use std::pin::pin;
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, split};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::headers::remove_hop_by_hop;

pub(crate) const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// How long one side may still speak when the other has said that it is done.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Whether a request asks to change to WebSocket. It is one to read something (RFC 6455 §4.1): whoever asks so with another
/// method is answered as without.
fn is_wanted<B>(request: &Request<B>) -> bool {
    let names = |name, wanted: &str| {
        request.headers().get_all(name).iter().any(|value| {
            value.to_str().is_ok_and(|text| text.split(',').any(|token| token.trim().eq_ignore_ascii_case(wanted)))
        })
    };
    *request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && names(header::CONNECTION, "upgrade")
        && names(header::UPGRADE, "websocket")
}

/// Leaves in a request what routes are chosen by: nothing that concerns its connection alone and so does not reach the
/// service, but, of one that asks to change to WebSocket, `Upgrade`. Whether it asks so.
pub(crate) fn leave_to_routes<B>(request: &mut Request<B>) -> bool {
    let wants_upgrade = is_wanted(request);
    remove_hop_by_hop(request.headers_mut());
    if wants_upgrade {
        request.headers_mut().insert(header::UPGRADE, WEBSOCKET);
    }
    wants_upgrade
}

/// Says again what hop-by-hop removal took away.
pub(crate) fn ask(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, WEBSOCKET);
}

/// Copies bytes both ways until either side closes or the gateway stops. `held` is kept as long: what counts the
/// client's connection goes on counting it.
pub(crate) fn join(client: OnUpgrade, service: OnUpgrade, stop: CancellationToken, held: impl Send + 'static) {
    tokio::spawn(async move {
        let both = async {
            let (client, service) = tokio::try_join!(client, service).ok()?;
            let (client, service) = (split(TokioIo::new(client)), split(TokioIo::new(service)));
            let (mut there, mut back) = (pin!(pass(client.0, service.1)), pin!(pass(service.0, client.1)));
            // Nothing tells one side that the other is gone for good: it would be waited for without an end.
            tokio::select! {
                () = &mut there => timeout(LAST_WORDS, back).await.ok(),
                () = &mut back => timeout(LAST_WORDS, there).await.ok(),
            }
        };
        tokio::select! {
            _ = both => {}
            () = stop.cancelled() => {}
        }
        drop(held);
    });
}

/// Copies what one side says until it is done, and tells the other side that.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    // How it ends makes no difference to the connections, which end either way.
    let _ = copy(&mut from, &mut to).await;
    let _ = to.shutdown().await;
}
