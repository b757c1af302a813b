//! An answer's body, and what is held for as long as it is on its way.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::breaker::InFlight;
use super::pool::Lease;
use super::request::Sending;
use super::{UnderWay, Upstream};

/// A service's body, piece by piece. When all of it was read, its connection is there for others; if it is dropped before,
/// the connection is closed, and the service sees that nobody listens.
pub struct AnswerBody {
    body: Incoming,
    held: Option<Held>,
}

/// What a request holds from its first byte to the last of its answer.
pub(crate) struct Held {
    pub(super) lease: Lease,
    pub(super) under_way: UnderWay,
    pub(super) upstream: Upstream,
    /// What is still sent while the answer comes.
    pub(super) sending: Option<Sending>,
    /// Its place among those that the breaker lets be under way.
    pub(super) in_flight: Option<InFlight>,
}

impl AnswerBody {
    /// `lasting`: it has no body of its own, and its connection goes on as another protocol's.
    pub(super) fn new(body: Incoming, held: Held, lasting: bool) -> Self {
        let mut answer = Self { body, held: Some(held) };
        if lasting {
            if let Some(held) = &mut answer.held {
                held.lease.detach();
            }
        } else if answer.body.is_end_stream() {
            answer.finish();
        }
        answer
    }

    /// Counts the request as under way at its service until the answer's end.
    pub(super) fn hold(&mut self, in_flight: InFlight) {
        if let Some(held) = &mut self.held {
            held.in_flight = Some(in_flight);
        }
    }

    fn finish(&mut self) {
        if let Some(Held { lease, under_way, .. }) = self.held.take() {
            lease.give_back(under_way.endpoint());
        }
    }

    fn fail(&mut self) {
        if let Some(Held { under_way, upstream, sending, .. }) = self.held.take()
            // If the client has broken off, so does the connection.
            && !sending.is_some_and(|sending| sending.has_failed())
        {
            upstream.met(under_way.endpoint(), false);
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let answer = self.get_mut();
        let mut polled = Pin::new(&mut answer.body).poll_frame(context);
        if polled.is_pending()
            && let Some(held) = &mut answer.held
        {
            held.lease.work(context);
            polled = Pin::new(&mut answer.body).poll_frame(context);
        }
        match &polled {
            Poll::Ready(Some(Err(_))) => answer.fail(),
            Poll::Ready(None) => answer.finish(),
            Poll::Ready(Some(Ok(_))) if answer.body.is_end_stream() => answer.finish(),
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").field("on_its_way", &self.held.is_some()).finish_non_exhaustive()
    }
}
