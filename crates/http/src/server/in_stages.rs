//! Closing a connection in stages (RFC 9112 §9.6).
//!
//! A request may be answered before it is whole: one that is too large, or that nobody may make. Who closes a connection
//! on which something lies that nobody has read makes the system reset it, and a client that is still sending loses the
//! answer that it has not read yet. So the server says that it is done, and reads and throws away what comes until the
//! client is done too; for a bounded time and number of bytes, since that may be never.
//!
//! A connection that ends while nothing is under way on it has nobody to wait for. A request that comes just then is left
//! unread: what is read and thrown away counts as received, so that a gateway could not tell that it was not heard, and
//! must not send it again.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Limits;
use super::progress::Progress;
use crate::Patience;

/// After so long without a byte, nothing more is waited for.
const SILENCE: Duration = Duration::from_secs(2);

/// So many bytes are thrown away at once.
const PIECE_BYTES: usize = 16 << 10;

/// A connection's stream, whose end of writing is followed by what the client was about to say.
pub(super) struct InStages<C> {
    stream: C,
    progress: Arc<Progress>,
    within: Duration,
    bytes_max: u64,
    /// A head was answered of which no request has come: one that is malformed or too large.
    has_refused_head: bool,
    last_words: Option<LastWords>,
}

/// What comes when all has been said to the client.
struct LastWords {
    /// Whether more is to be expected than what lies there.
    is_expected: bool,
    bytes_left: u64,
    until: Instant,
    silent_until: Instant,
    patience: Patience,
}

impl<C> InStages<C> {
    pub(super) fn new(stream: C, progress: Arc<Progress>, limits: &Limits) -> Self {
        let (within, bytes_max) = (limits.unread_within, limits.unread_bytes_max);
        Self { stream, progress, within, bytes_max, has_refused_head: false, last_words: None }
    }
}

impl LastWords {
    fn new(is_expected: bool, within: Duration, bytes_left: u64) -> Self {
        let now = Instant::now();
        let (until, silent_until) = (now + within, now + SILENCE.min(within));
        Self { is_expected, bytes_left, until, silent_until, patience: Patience::new(silent_until) }
    }

    /// Ready when there is nothing more to wait for.
    fn poll_over(&mut self, mut stream: Pin<&mut impl AsyncRead>, context: &mut Context<'_>) -> Poll<()> {
        let mut piece = [MaybeUninit::uninit(); PIECE_BYTES];
        loop {
            let mut piece = ReadBuf::uninit(&mut piece);
            match stream.as_mut().poll_read(context, &mut piece) {
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {
                    let now = Instant::now();
                    self.bytes_left = self.bytes_left.saturating_sub(piece.filled().len() as u64);
                    if self.bytes_left == 0 || now >= self.until {
                        return Poll::Ready(());
                    }
                    // Whoever has sent this may be about to send more.
                    (self.is_expected, self.silent_until) = (true, self.until.min(now + SILENCE));
                }
                // The client is done, or gone.
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending if self.is_expected => return self.patience.poll_until(self.silent_until, context),
                Poll::Pending => return Poll::Ready(()),
            }
        }
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for InStages<C> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> AsyncWrite for InStages<C> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.has_refused_head |= self.progress.awaits_head();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.has_refused_head |= self.progress.awaits_head();
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Ready when the stream may be dropped.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.last_words.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        // Whoever goes on with it may have said all, and read still.
        if this.progress.is_switched() || (this.progress.awaits_head() && !this.has_refused_head) {
            return Poll::Ready(Ok(()));
        }
        let (is_expected, within, bytes_max) = (this.progress.unread().is_open(), this.within, this.bytes_max);
        let last_words = this.last_words.get_or_insert_with(|| LastWords::new(is_expected, within, bytes_max));
        last_words.poll_over(Pin::new(&mut this.stream), context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;

    const LATE: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

    /// A connection that waits for a head when something lies there.
    async fn waiting() -> (InStages<DuplexStream>, DuplexStream) {
        let progress = Progress::new(&Arc::default());
        progress.await_head();
        let (mut client, server) = duplex(1_024);
        client.write_all(LATE).await.unwrap();
        let limits = Limits { unread_within: Duration::from_millis(50), ..Limits::default() };
        (InStages::new(server, progress, &limits), client)
    }

    async fn left(mut stream: InStages<DuplexStream>) -> Vec<u8> {
        timeout(Duration::from_secs(5), stream.shutdown()).await.unwrap().unwrap();
        let mut left = vec![0; LATE.len()];
        let read = timeout(Duration::from_millis(50), stream.read(&mut left)).await;
        left.truncate(read.map_or(0, |read| read.unwrap()));
        left
    }

    #[tokio::test]
    async fn a_request_that_comes_when_a_connection_ends_is_not_thrown_away() {
        let (stream, _client) = waiting().await;
        assert_eq!(left(stream).await, LATE);
    }

    #[tokio::test]
    async fn what_comes_behind_a_head_that_is_refused_is() {
        let (mut stream, _client) = waiting().await;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        assert_eq!(left(stream).await, b"");
    }
}
