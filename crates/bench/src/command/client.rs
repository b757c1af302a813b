//! A client with one connection, that asks and waits.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::parcel::Place;

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A connection to the service.
pub(super) struct HttpClient {
    sender: SendRequest<Full<Bytes>>,
}

/// What a command was answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acknowledged {
    /// The position of its event.
    pub(super) position: u64,
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl HttpClient {
    /// Connects.
    pub(super) async fn connect(address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(words)?;
        stream.set_nodelay(true).map_err(words)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(words)?;
        // It ends with the sender; what goes wrong before is told to whoever waits for an answer.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender })
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(http::response::Parts, Bytes), String> {
        let answer = async {
            let (parts, body) = self.sender.send_request(request).await.map_err(words)?.into_parts();
            Ok::<_, String>((parts, body.collect().await.map_err(words)?.to_bytes()))
        };
        timeout(ANSWER_WITHIN, answer).await.map_err(|_| "no answer in time".to_owned())?
    }

    /// Gives a command.
    pub(super) async fn scan(&mut self, id: &str, key: &str, body: Bytes) -> Result<Acknowledged, String> {
        let request = Request::post(format!("/api/parcels/{id}"))
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(Full::new(body))
            .map_err(words)?;
        let (parts, body) = self.send(request).await?;
        if parts.status != StatusCode::NO_CONTENT {
            return Err(format!("{}: {}", parts.status, String::from_utf8_lossy(&body)));
        }
        let position = parts.headers.get("tradewind-position").and_then(|value| value.to_str().ok());
        let position = position.and_then(|value| value.parse().ok());
        Ok(Acknowledged { position: position.ok_or("the answer tells no position")? })
    }

    /// Asks the read model, as of a position or later.
    pub(super) async fn find(&mut self, id: &str, after: u64) -> Result<Place, String> {
        let request = Request::get(format!("/api/parcels/{id}"))
            .header("host", "localhost")
            .header("tradewind-after", after.to_string())
            .body(Full::default())
            .map_err(words)?;
        let (parts, body) = self.send(request).await?;
        if parts.status != StatusCode::OK {
            return Err(format!("{}: {}", parts.status, String::from_utf8_lossy(&body)));
        }
        serde_json::from_slice(&body).map_err(words)
    }
}
