//! A socket that can be looked at while a connection reads and writes it.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// One of two holders of a socket: the connection that speaks over it, and whoever wants to know whether it still can.
#[derive(Debug, Clone)]
pub(super) struct Socket(Arc<Mutex<Counted>>);

#[derive(Debug)]
struct Counted {
    stream: TcpStream,
    /// Bytes that the system has taken to send.
    written: u64,
    /// How many of them had arrived when the other side's end was read, as far as the system tells.
    heard_at_end: Option<u64>,
}

/// How far a socket was when a request was about to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(u64);

impl Counted {
    fn count(&mut self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.written += *bytes as u64;
        }
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(Arc::new(Mutex::new(Counted { stream, written: 0, heard_at_end: None })))
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing has come, neither bytes nor an end. The runtime may not have heard of it yet, so the system is asked.
    /// On an idle connection bytes mean that the service says something unasked, which is as bad as an end.
    pub(super) fn is_silent(&self) -> bool {
        let peeked = SockRef::from(&self.lock().stream).peek(&mut [MaybeUninit::uninit()]);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Where it is now, if all that was sent before has arrived.
    pub(super) fn mark(&self) -> Option<Mark> {
        let socket = self.lock();
        (unacknowledged(&socket.stream)? == 0).then_some(Mark(socket.written))
    }

    /// Whether the other machine, when it told the end, had acknowledged no byte since the mark. Then whoever listened there
    /// has read none of them: a system acknowledges what it has for a program before it says that the program has closed
    /// (RFC 9293 §3.10.7.4), and what comes for one that has closed, it refuses.
    pub(super) fn was_not_heard_since(&self, mark: Mark) -> bool {
        self.lock().heard_at_end.is_some_and(|heard| heard <= mark.0)
    }
}

/// Bytes that were sent and that the other machine has not acknowledged, as far as the system tells.
#[cfg(target_os = "linux")]
fn unacknowledged(stream: &TcpStream) -> Option<u64> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open as long as the stream is, and SIOCOUTQ (tcp(7)) writes one int where it is told to.
    let told = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if told == 0 { u64::try_from(bytes).ok() } else { None }
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
fn unacknowledged(_: &TcpStream) -> Option<u64> {
    None
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut socket = self.lock();
        let before = into.filled().len();
        let polled = Pin::new(&mut socket.stream).poll_read(context, into);
        if matches!(polled, Poll::Ready(Ok(()))) && into.filled().len() == before && into.remaining() > 0 {
            // Asked now, since whoever closes its side too has one more to be acknowledged.
            let left = unacknowledged(&socket.stream);
            socket.heard_at_end = left.map(|left| socket.written.saturating_sub(left));
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut socket = self.lock();
        let polled = Pin::new(&mut socket.stream).poll_write(context, bytes);
        socket.count(&polled);
        polled
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut socket = self.lock();
        let polled = Pin::new(&mut socket.stream).poll_write_vectored(context, slices);
        socket.count(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::Socket;

    async fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Socket::new(stream), listener.accept().await.unwrap().0)
    }

    async fn until_closed(socket: &mut Socket) {
        let mut byte = [0];
        while !matches!(socket.read(&mut byte).await, Ok(0) | Err(_)) {}
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_comes_for_one_who_has_closed_was_heard_by_nobody() {
        let (mut socket, mut peer) = pair().await;
        socket.write_all(b"first").await.unwrap();
        peer.read_exact(&mut [0; 5]).await.unwrap();
        let mark = socket.mark().unwrap();
        drop(peer);
        socket.write_all(b"second").await.unwrap();
        until_closed(&mut socket).await;
        assert!(socket.was_not_heard_since(mark));
    }

    #[tokio::test]
    async fn what_was_read_before_was_heard() {
        let (mut socket, mut peer) = pair().await;
        let mark = socket.mark();
        socket.write_all(b"first").await.unwrap();
        peer.read_exact(&mut [0; 5]).await.unwrap();
        drop(peer);
        until_closed(&mut socket).await;
        assert!(!mark.is_some_and(|mark| socket.was_not_heard_since(mark)));
    }

    #[tokio::test]
    async fn what_came_and_was_not_read_may_have_been_heard() {
        let (mut socket, peer) = pair().await;
        let mark = socket.mark();
        socket.write_all(b"first").await.unwrap();
        peer.readable().await.unwrap();
        drop(peer);
        until_closed(&mut socket).await;
        assert!(!mark.is_some_and(|mark| socket.was_not_heard_since(mark)));
    }
}
