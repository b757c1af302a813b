//! The one accept loop: takes connections within its limits, speaks HTTP/1.1 and HTTP/2 on them, and drains.

mod addresses;
mod connection;
mod idle;
mod in_stages;
mod limits;
mod place;
mod progress;
mod stream;
mod timer;
#[cfg(feature = "tls")]
mod tls;
mod unread;

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Body;
use hyper::service::Service;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use addresses::Addresses;
use connection::Connections;
use place::{Places, Vacancy};

use crate::Network;

pub use limits::Limits;
pub use place::Place;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
pub use unread::ClientBody;

/// After how much silence the system asks a client whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Connections that are taken when it has been told to stop: as many as the system keeps, as a rule.
const QUEUED_MAX: usize = 1_024;

/// A server that listens and does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    /// Where any number of connections may come from.
    unlimited: Vec<Network>,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

/// A client that has connected.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether what it says is encrypted on its way.
    pub over_tls: bool,
    /// The place among the connections that it takes. Who goes on with the connection after HTTP has ended on it, as
    /// after an upgrade, keeps this as long.
    pub place: Place,
}

/// What was still there when the time to drain was over, and was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CutOff {
    /// Connections; most of them idle, as a rule.
    pub connections: usize,
    /// Requests without the head of an answer.
    pub requests: usize,
}

impl Server {
    /// Listens on an address; port 0 takes a free one.
    ///
    /// # Errors
    /// What the system says if the address is taken or is not this machine's.
    pub async fn bind(address: SocketAddr, limits: Limits) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            limits,
            unlimited: Vec::new(),
            #[cfg(feature = "tls")]
            tls: None,
        })
    }

    /// Takes any number of connections from these, as of proxies before it: as many as there are places.
    #[must_use]
    pub fn with_unlimited(self, unlimited: Vec<Network>) -> Self {
        Self { unlimited, ..self }
    }

    /// Speaks TLS, and nothing without.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    #[cfg(feature = "tls")]
    fn secured(&self) -> Secured {
        self.tls.clone()
    }

    #[cfg(not(feature = "tls"))]
    fn secured(&self) -> Secured {
        None
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is cancelled, each connection by the service that `make` makes for it. Then it takes no
    /// more connections but those that the system has made already, lets the requests on their way end within
    /// `drain_within`, and cuts off what is left.
    pub async fn run<M, S, B>(self, make: M, shutdown: CancellationToken, drain_within: Duration) -> CutOff
    where
        M: Fn(Peer) -> S,
        S: Service<Request<ClientBody>, Response = Response<B>, Error = Infallible> + Send + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let places = Places::new(self.limits.connections_max);
        let connections = Arc::new(Connections::new(self.limits));
        let secured = self.secured();
        let _following = follow_files(&secured);
        let mut addresses = Addresses::new(self.limits.connections_per_address_max, self.unlimited);
        let mut begin = |vacancy: Vacancy, stream: TcpStream, address: SocketAddr| {
            let Ok(of_address) = addresses.count(address.ip()) else { return };
            prepare(&stream, self.limits.stalled_max);
            let place = vacancy.fill(of_address);
            let service = make(Peer { address, over_tls: secured.is_some(), place: place.clone() });
            let (connections, secured) = (Arc::clone(&connections), secured.clone());
            tokio::spawn(async move {
                serve(connections, secured, stream, address, service).await;
                drop(place);
            });
        };
        loop {
            let vacancy = tokio::select! {
                vacancy = places.take() => vacancy,
                () = shutdown.cancelled() => break,
            };
            let Some(vacancy) = vacancy else { break };
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, address)) => begin(vacancy, stream, address),
                    Err(error) => pause_after(&error).await,
                },
                () = shutdown.cancelled() => break,
            }
        }
        for (stream, address) in queued(self.listener).take(QUEUED_MAX) {
            let Some(vacancy) = places.take_free() else { break };
            begin(vacancy, stream, address);
        }
        connections.drain();
        if tokio::time::timeout(drain_within, places.all_left()).await.is_ok() {
            return CutOff::default();
        }
        let cut = CutOff { connections: places.taken(), requests: connections.requests() };
        tracing::warn!(cut.connections, cut.requests, "cut off what did not drain within {drain_within:?}");
        connections.cut_off();
        // They fall at once; that they have is worth a moment, so that nothing is served behind the caller's back.
        let _ = tokio::time::timeout(Duration::from_secs(1), places.all_left()).await;
        cut
    }
}

/// What clients have connected that nobody has taken yet. They would be reset with the listener, which is closed when
/// there are no more.
fn queued(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    // The runtime may not have heard of them.
    let listener = listener.into_std().inspect_err(|error| tracing::warn!(%error, "cannot take what is queued")).ok();
    std::iter::from_fn(move || {
        let (stream, address) = listener.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, address))
    })
}

/// How connections are encrypted, if they are.
#[cfg(feature = "tls")]
type Secured = Option<Tls>;
#[cfg(not(feature = "tls"))]
type Secured = Option<Never>;

/// There is no way to encrypt them.
#[cfg(not(feature = "tls"))]
#[derive(Clone)]
enum Never {}

/// Follows the certificate's files until it is dropped.
fn follow_files(secured: &Secured) -> impl Drop + use<> {
    let stop = CancellationToken::new();
    #[cfg(feature = "tls")]
    if let Some(tls) = secured.clone() {
        let stop = stop.clone();
        tokio::spawn(async move { stop.run_until_cancelled(tls.follow_files()).await });
    }
    #[cfg(not(feature = "tls"))]
    let _ = secured;
    stop.drop_guard()
}

/// Serves one connection, once it is as it should be.
async fn serve<S, B>(connections: Arc<Connections>, secured: Secured, stream: TcpStream, client: SocketAddr, service: S)
where
    S: Service<Request<ClientBody>, Response = Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match secured {
        None => connections.serve(stream, client, service).await,
        #[cfg(feature = "tls")]
        Some(tls) => {
            if let Some(stream) = connections.prepared(client, tls.accept(stream)).await {
                connections.serve(stream, client, service).await;
            }
        }
        #[cfg(not(feature = "tls"))]
        Some(never) => match never {},
    }
}

/// Answers leave at once, and a client that is gone or takes nothing is found out.
fn prepare(stream: &TcpStream, stalled_max: Duration) {
    let socket = socket2::SockRef::from(stream);
    let keepalive = socket2::TcpKeepalive::new().with_time(KEEPALIVE);
    let prepared = socket.set_tcp_nodelay(true).and_then(|()| socket.set_tcp_keepalive(&keepalive));
    #[cfg(target_os = "linux")]
    let prepared = prepared.and_then(|()| socket.set_tcp_user_timeout(Some(stalled_max)));
    #[cfg(not(target_os = "linux"))]
    let _ = stalled_max;
    if let Err(error) = prepared {
        tracing::debug!(%error, "a connection with the system's own settings");
    }
}

/// An error of one connection is over with it; when file descriptors or memory are short, others give some back, so
/// that trying again is right.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::warn!(%error, "cannot accept connections, trying again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
