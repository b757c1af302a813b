//! One connection to an instance, in either protocol.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tradewind_http::Patience;

use super::socket::Socket;
use crate::upstream::NoAnswer;
use crate::upstream::options::ConnectionLimits;
use crate::upstream::request::RequestBody;

/// A service that says nothing on an HTTP/2 connection for so long is asked whether it is there, and given as long again.
const PING: Duration = Duration::from_secs(10);

/// After how much silence the system asks an instance's machine whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// How long a machine may say nothing to that, or take nothing of what it is sent, before its connection is given up. On
/// Linux; elsewhere the system decides.
#[cfg(target_os = "linux")]
const GONE_AFTER: Duration = Duration::from_secs(120);

/// Bytes of one answer over HTTP/2 that may be on their way without anybody having read them: 128 KiB.
const STREAM_WINDOW: u32 = 128 << 10;

/// The most that an HTTP/2 window can be (RFC 9113 §6.9.1), in bytes.
const WINDOW_MAX: u32 = (1 << 31) - 1;

/// The windows of one answer and of all on a connection. All of them together never fill the connection's: who does not
/// read holds up nobody else.
fn windows(streams_at_most: usize) -> (u32, u32) {
    let streams = u32::try_from(streams_at_most.max(1)).unwrap_or(WINDOW_MAX).min(WINDOW_MAX);
    let each = STREAM_WINDOW.min(WINDOW_MAX / streams);
    (each, each * streams)
}

/// A connection that carries one request at a time. It reads and writes when it is polled, and whoever has a request on it
/// polls it: so a request and its answer go through in one task, without waking another one for each step.
pub(super) struct Http1 {
    pub(super) sender: http1::SendRequest<RequestBody>,
    pub(super) socket: Socket,
    /// For the time that an answer may take.
    pub(super) patience: Option<Patience>,
    /// What reads and writes; none when it has come to its end, which the sender tells.
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl fmt::Debug for Http1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http1").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl Http1 {
    /// Reads and writes what there is.
    pub(super) fn work(&mut self, context: &mut Context<'_>) {
        work(&mut self.work, context);
    }

    /// Goes on by itself, as another protocol's.
    pub(super) fn detach(&mut self) {
        if let Some(work) = self.work.take() {
            tokio::spawn(work);
        }
    }

    /// Waits until it is ready for another request, or can take none any more.
    pub(super) async fn settle(&mut self) -> hyper::Result<()> {
        let Self { sender, work: its, .. } = self;
        poll_fn(|context| {
            work(its, context);
            sender.poll_ready(context)
        })
        .await
    }
}

fn work(work: &mut Option<Pin<Box<dyn Future<Output = ()> + Send>>>, context: &mut Context<'_>) {
    if work.as_mut().is_some_and(|work| work.as_mut().poll(context).is_ready()) {
        *work = None;
    }
}

/// A connection that carries many. Clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Http2 {
    pub(super) sender: http2::SendRequest<RequestBody>,
    /// Which one of its pool's it is, from 1: the later it was opened, the higher. 0 if it is in none.
    pub(super) number: u64,
    streams: Arc<AtomicUsize>,
}

/// One request's part of an HTTP/2 connection.
#[derive(Debug)]
pub(super) struct Stream(Http2);

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Stream {
    pub(super) fn number(&self) -> u64 {
        self.0.number
    }
}

impl Http2 {
    pub(super) fn streams(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }

    pub(super) fn stream(&self) -> Stream {
        self.streams.fetch_add(1, Ordering::Relaxed);
        Stream(self.clone())
    }
}

/// What sends one request.
#[derive(Debug)]
pub(super) enum Connection {
    Http1(Http1),
    Http2(Stream),
}

/// Why a request on a connection has no answer.
#[derive(Debug)]
pub(in crate::upstream) enum NotSent {
    /// Not a byte of it was sent, none was heard since the service had closed the connection before, or the service says
    /// that it did nothing about it.
    Nothing,
    /// It may have been carried out.
    Perhaps(NoAnswer),
}

impl Connection {
    /// `wants_to_know`: whether a request that went out was heard makes a difference, and is worth asking the system twice.
    pub(super) async fn send(
        &mut self,
        request: Request<RequestBody>,
        wants_to_know: bool,
    ) -> Result<Response<Incoming>, NotSent> {
        let sent = match self {
            Self::Http1(Http1 { sender, work: its, socket, .. }) => {
                let mark = if wants_to_know { socket.mark() } else { None };
                let mut answer = pin!(sender.try_send_request(request));
                let sent = poll_fn(|context| {
                    work(its, context);
                    answer.as_mut().poll(context)
                })
                .await;
                let ended = sent.as_ref().is_err_and(|error| error.error().is_incomplete_message());
                if ended && mark.is_some_and(|mark| socket.was_not_heard_since(mark)) {
                    return Err(NotSent::Nothing);
                }
                sent
            }
            Self::Http2(stream) => stream.0.sender.try_send_request(request).await,
        };
        sent.map_err(|mut error| {
            let nothing = error.take_message().is_some() || was_refused(error.error());
            if nothing { NotSent::Nothing } else { NotSent::Perhaps(explain(error.error())) }
        })
    }
}

/// Whether the service says that it did not begin with the request (RFC 9113 §8.7).
fn was_refused(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<h2::Error>());
    source.and_then(h2::Error::reason) == Some(h2::Reason::REFUSED_STREAM)
}

fn explain(error: &hyper::Error) -> NoAnswer {
    if error.is_user() {
        NoAnswer::RequestBody
    } else if error.is_parse() {
        NoAnswer::Malformed
    } else {
        NoAnswer::Broken
    }
}

/// Requests leave at once, and a machine that is gone is found out, whatever is under way.
fn prepare(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 4);
    let prepared = socket.set_tcp_nodelay(true).and_then(|()| socket.set_tcp_keepalive(&keepalive));
    #[cfg(target_os = "linux")]
    let prepared = prepared.and_then(|()| socket.set_tcp_user_timeout(Some(GONE_AFTER)));
    if let Err(error) = prepared {
        tracing::debug!(%error, "a connection with the system's own settings");
    }
}

async fn connect(address: SocketAddr, at_most: Duration) -> Result<TcpStream, NoAnswer> {
    let connected = timeout(at_most, TcpStream::connect(address)).await;
    let stream = connected.map_err(|_| NoAnswer::Unreachable)?.map_err(|_| NoAnswer::Unreachable)?;
    prepare(&stream);
    Ok(stream)
}

pub(super) async fn http1(
    address: SocketAddr,
    limits: &ConnectionLimits,
    at_most: Duration,
) -> Result<Http1, NoAnswer> {
    let socket = Socket::new(connect(address, at_most).await?);
    // Hyper's own least is 8 KiB.
    let head = limits.head_bytes.max(8_192);
    let shaken = http1::Builder::new().max_buf_size(head).handshake(TokioIo::new(socket.clone())).await;
    let (sender, connection) = shaken.map_err(|_| NoAnswer::Unreachable)?;
    // How it ends is told to whoever has a request on it.
    let work = Box::pin(async move { drop(connection.with_upgrades().await) });
    Ok(Http1 { sender, socket, patience: None, work: Some(work) })
}

pub(super) async fn http2(
    address: SocketAddr,
    limits: &ConnectionLimits,
    at_most: Duration,
) -> Result<Http2, NoAnswer> {
    let stream = connect(address, at_most).await?;
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
    builder.max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX));
    let (each, all) = windows(limits.streams_at_most);
    builder.initial_stream_window_size(each).initial_connection_window_size(all);
    let shaken = timeout(at_most, builder.handshake(TokioIo::new(stream))).await;
    let (sender, connection) = shaken.map_err(|_| NoAnswer::Unreachable)?.map_err(|_| NoAnswer::Unreachable)?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(Http2 { sender, number: 0, streams: Arc::new(AtomicUsize::new(0)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_machine_that_is_gone_is_found_out_whatever_is_under_way() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = connect(listener.local_addr().unwrap(), Duration::from_secs(10)).await.unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEPALIVE);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), KEEPALIVE / 4);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(GONE_AFTER));
    }

    #[test]
    fn no_number_of_unread_answers_fills_a_connections_window() {
        for (streams, each, all) in [
            (0, STREAM_WINDOW, STREAM_WINDOW),
            (128, STREAM_WINDOW, 128 * STREAM_WINDOW),
            (10_000, STREAM_WINDOW, 10_000 * STREAM_WINDOW),
            (1 << 16, 32_767, 32_767 << 16),
            (usize::MAX, 1, WINDOW_MAX),
        ] {
            assert_eq!(windows(streams), (each, all), "{streams}");
        }
    }
}
