//! HTTP/2 streams, each of which has a window of its own.
//!
//! Who gives a stream no room, and answers when asked whether he is still there, would keep its answer for ever, and with it
//! all that it holds, as a connection to a service: hyper takes a piece of a body and waits without an end until there is
//! room for it. So the future that hyper spawns for a stream is given up when nothing more has been taken for too long;
//! that resets the stream, and nothing else on its connection. A piece is no larger than a frame, so that a slow client,
//! which takes little, has taken something. HTTP/1.1 has no window but the system's, which keeps the limit there.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::progress::UnderWay;
use crate::Patience;

/// Bytes of a body that are taken at once: what a frame has, unless a client asks for larger ones.
const PIECE_BYTES: usize = 16 << 10;

/// What a stream waits for.
#[derive(Debug, Clone, Copy)]
enum WaitsFor {
    /// For the next piece of its answer.
    Answer,
    /// For its client to have room for a piece that is there.
    Client,
}

thread_local! {
    /// What the stream waits for that is polled on this thread, if that has become known by it.
    static WAITS_FOR: Cell<Option<WaitsFor>> = const { Cell::new(None) };
}

/// Spawns the streams of connections.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    stalled_max: Duration,
}

impl Streams {
    pub(super) fn new(stalled_max: Duration) -> Self {
        Self { stalled_max }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        tokio::spawn(Stream { stream, stalled_max: self.stalled_max, until: None, patience: None });
    }
}

pin_project! {
    /// A stream's future, which ends when its client has taken nothing for too long.
    struct Stream<F> {
        #[pin]
        stream: F,
        stalled_max: Duration,
        // While it waits for its client.
        until: Option<Instant>,
        // Only one that has waited for its client has a timer.
        patience: Option<Patience>,
    }
}

impl<F: Future<Output = ()>> Future for Stream<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        WAITS_FOR.set(None);
        if this.stream.poll(context).is_ready() {
            return Poll::Ready(());
        }
        match WAITS_FOR.take() {
            Some(WaitsFor::Client) => *this.until = Some(Instant::now() + *this.stalled_max),
            Some(WaitsFor::Answer) => *this.until = None,
            // As before: its body has not been asked.
            None => {}
        }
        let Some(until) = *this.until else { return Poll::Pending };
        let stalled = this.patience.get_or_insert_with(|| Patience::new(until)).poll_until(until, context);
        if stalled.is_ready() {
            tracing::debug!("reset a stream of whose answer its client has taken nothing for {:?}", this.stalled_max);
        }
        stalled
    }
}

/// An answer's body, which tells its stream what that waits for, and its connection until when it is sent.
pub(super) struct Taken<B> {
    body: B,
    /// None over HTTP/1.1.
    stream: Option<UnderWay>,
    /// What is there of a piece that was too large.
    rest: Bytes,
}

impl<B> Taken<B> {
    /// A body over HTTP/2; over HTTP/1.1, of which no stream is under way, it passes as it is.
    pub(super) fn new(body: B, stream: Option<UnderWay>) -> Self {
        Self { body, stream, rest: Bytes::new() }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Taken<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        if this.stream.is_none() {
            return Pin::new(&mut this.body).poll_frame(context);
        }
        let polled = match this.rest.is_empty() {
            true => Pin::new(&mut this.body).poll_frame(context),
            false => Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.rest))))),
        };
        WAITS_FOR.set(Some(if polled.is_pending() { WaitsFor::Answer } else { WaitsFor::Client }));
        polled.map_ok(|frame| {
            frame.map_data(|mut piece| {
                if piece.len() > PIECE_BYTES {
                    this.rest = piece.split_off(PIECE_BYTES);
                }
                piece
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        if rest == 0 {
            return body;
        }
        let mut whole = SizeHint::new();
        whole.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            whole.set_upper(upper + rest);
        }
        whole
    }
}
