//! What these tests begin with.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tradewind_http::{ClientBody, CutOff, Limits, Server};

/// A server in this process.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) ended: JoinHandle<CutOff>,
}

/// Answers `/slow` after a while, `/never` never, and everything else at once; `/keeps` reads on after that, and
/// `/switches` ends HTTP.
async fn answer(request: Request<ClientBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut answer = Response::new(Full::from("answered"));
    match request.uri().path() {
        "/slow" => tokio::time::sleep(Duration::from_millis(300)).await,
        "/never" => std::future::pending().await,
        "/switches" => *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS,
        "/keeps" => drop(tokio::spawn(request.into_body().collect())),
        _ => {}
    }
    Ok(answer)
}

pub(crate) async fn run(limits: Limits) -> Running {
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), limits).await.unwrap();
    let (address, shutdown) = (server.local_addr(), CancellationToken::new());
    let ended = tokio::spawn(server.run(|_| service_fn(answer), shutdown.clone(), Duration::from_millis(500)));
    Running { address, shutdown, ended }
}

/// A connection, as a script.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    pub(crate) async fn get(&mut self, path: &str) {
        self.say(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
    }

    /// Reads until this has come.
    pub(crate) async fn hear(&mut self, what: &str) -> String {
        let mut all = Vec::new();
        let heard = async {
            while !String::from_utf8_lossy(&all).contains(what) {
                let mut piece = [0; 4_096];
                let read = self.0.read(&mut piece).await.unwrap();
                assert!(read > 0, "it ended before {what}");
                all.extend_from_slice(&piece[..read]);
            }
        };
        tokio::time::timeout(Duration::from_secs(10), heard).await.expect("nothing came");
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Waits until the other side closes.
    pub(crate) async fn closed(&mut self) {
        let end = async { while !matches!(self.0.read(&mut [0; 4_096]).await, Ok(0) | Err(_)) {} };
        tokio::time::timeout(Duration::from_secs(10), end).await.expect("the connection stays open");
    }
}
