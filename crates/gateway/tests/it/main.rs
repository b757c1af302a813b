//! The gateway with real sockets. The services behind it are scripts that read and write bytes, so that they can
//! misbehave in every way that a real one could.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod acting;
mod balancing;
mod behind;
mod breaking;
mod caching;
mod calling;
mod coming_and_going;
mod composing;
mod compressing;
mod connections;
mod counting;
mod deadlines;
mod draining;
mod early;
mod ejecting;
mod encrypted;
mod explaining;
mod failing;
mod frames;
mod grpc;
mod headers;
mod health;
mod hedging;
mod hostile;
mod logging;
mod misbehaving;
mod own_writes;
mod poisoning;
mod policies;
mod protocols;
mod reloading;
mod retrying;
mod routing;
mod smuggling;
mod stalling;
mod streaming;
mod tracing;
#[cfg(feature = "validate")]
mod validating;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tradewind_gateway::{Gateway, GatewayHandle, Limits, Options, Plan, Route, RouteTable, Timeouts, Upstream};

/// One side of a connection, with the words to script it.
struct Peer(TcpStream);

impl Peer {
    async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads up to and with this text.
    async fn hear_until(&mut self, end: &str) -> String {
        let heard = async {
            let mut all = Vec::new();
            while !all.ends_with(end.as_bytes()) {
                match self.0.read_u8().await {
                    Ok(byte) => all.push(byte),
                    Err(_) => panic!("ended before {end:?}: {}", String::from_utf8_lossy(&all)),
                }
            }
            String::from_utf8(all).unwrap()
        };
        tokio::time::timeout(Duration::from_secs(10), heard).await.expect("nothing came")
    }

    /// A request's head; nothing if the connection ends before it.
    async fn hear_head_or_end(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.ok()?);
        }
        Some(String::from_utf8_lossy(&head).to_lowercase())
    }

    #[cfg(feature = "validate")]
    async fn hear_bytes(&mut self, count: usize) -> String {
        let mut all = vec![0; count];
        self.0.read_exact(&mut all).await.unwrap();
        String::from_utf8(all).unwrap()
    }

    async fn hear_head(&mut self) -> String {
        self.hear_until("\r\n\r\n").await.to_lowercase()
    }

    /// Reads to the end, whether it is orderly or not.
    async fn hear_rest(&mut self) -> String {
        let mut all = Vec::new();
        let heard = tokio::time::timeout(Duration::from_secs(10), self.0.read_to_end(&mut all)).await;
        let _ = heard.expect("the connection stays open");
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// A service whose connections follow a script; the script is told the connection's number, from 0.
async fn service<F: Future<Output = ()> + Send + 'static>(
    script: impl Fn(Peer, usize) -> F + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let number = counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(script(Peer(stream), number));
        }
    });
    (address, connections)
}

/// A service that answers every request with its own name.
async fn named(name: &'static str) -> SocketAddr {
    let script = move |mut peer: Peer, _| async move {
        loop {
            peer.hear_head().await;
            peer.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}", name.len())).await;
        }
    };
    service(script).await.0
}

struct Running {
    address: SocketAddr,
    handle: GatewayHandle,
    shutdown: CancellationToken,
    ended: JoinHandle<()>,
}

/// Short, so that tests need not wait.
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(1),
    unreachable: Duration::from_millis(500),
    response_head: Duration::from_millis(500),
    unready: Duration::ZERO,
    drain: Duration::from_secs(2),
};

async fn gateway(routes: &[(&str, SocketAddr)]) -> Running {
    gateway_with(routes, Limits::default()).await
}

async fn gateway_with(routes: &[(&str, SocketAddr)], limits: Limits) -> Running {
    gateway_before(table(routes), limits).await
}

async fn gateway_before(plan: impl Into<Plan>, limits: Limits) -> Running {
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    (options.timeouts, options.limits) = (TIMEOUTS, limits);
    let gateway = Gateway::bind(options, plan).await.unwrap();
    let (address, handle, shutdown) = (gateway.address(), gateway.handle(), CancellationToken::new());
    let ended = tokio::spawn(gateway.run(shutdown.clone()));
    Running { address, handle, shutdown, ended }
}

fn table(routes: &[(&str, SocketAddr)]) -> RouteTable {
    let upstream = |address: &SocketAddr| Upstream::new("test", [*address]);
    let routes = routes.iter().map(|(prefix, address)| Route::new(prefix, upstream(address)).unwrap());
    RouteTable::new(routes.collect()).unwrap()
}

impl Running {
    /// One request on a connection of its own; the whole answer.
    async fn ask(&self, head: &str, body: &str) -> String {
        let mut peer = Peer::connect(self.address).await;
        let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        peer.say(&format!("{head} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n{length}\r\n{body}")).await;
        peer.hear_rest().await
    }

    async fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path}"), "").await
    }
}

fn status_of(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer:?}"))
}
