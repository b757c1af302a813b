//! Asking a service whether it is ready.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

/// How long one question may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How long between questions.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks again and again until the answer is 200. Bound it from outside.
pub(crate) async fn until_ready(address: SocketAddr, path: &str) {
    loop {
        if let Ok(Some(StatusCode::OK)) = tokio::time::timeout(ANSWER_WITHIN, ask(address, path)).await {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// One question on a connection of its own, so that a dying process cannot answer for its successor.
async fn ask(address: SocketAddr, path: &str) -> Option<StatusCode> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    // Driven beside us, and given up with us when the time for the answer is over.
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    sender.send_request(request).await.ok().map(|response| response.status())
}
