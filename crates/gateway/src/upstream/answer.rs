//! An answer's body, and what is held for as long as it is on its way.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, timeout_at};

use super::breaker::InFlight;
use super::pool::Lease;
use super::request::Sending;
use super::{Deadline, UnderWay, Upstream};

/// The most that is read of an answer that may be given if no better one comes.
const AHEAD_BYTES: usize = 64 << 10;

/// How long that may take.
const AHEAD_WITHIN: Duration = Duration::from_millis(250);

/// A service's body, piece by piece. When all of it was read, its connection is there for others; if it is dropped before,
/// the connection is closed, and the service sees that nobody listens.
pub struct AnswerBody {
    /// What has been read of it ahead, if anything has. Few have any, and all are handed on: so it does not stand in place.
    ahead: Option<Box<Ahead>>,
    body: Incoming,
    held: Option<Held>,
}

/// Pieces of an answer that nobody has taken yet.
#[derive(Default)]
struct Ahead(VecDeque<Frame<Bytes>>);

impl Ahead {
    fn bytes(&self) -> u64 {
        self.0.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum()
    }
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
        let mut answer = Self { ahead: None, body, held: Some(held) };
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

    /// Reads all of it now, if that is little and comes soon: then its connection is there for others while it is kept. What
    /// has been read comes first for whoever reads it after that. Whether it was all.
    pub(super) async fn read_ahead(&mut self, deadline: Deadline) -> hyper::Result<bool> {
        let mut ahead = self.ahead.take().unwrap_or_default();
        let mut left = AHEAD_BYTES;
        let reading = async {
            while self.held.is_some() {
                let Some(frame) = self.frame().await.transpose()? else { break };
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                ahead.0.push_back(frame);
                match left.checked_sub(bytes) {
                    Some(fewer) => left = fewer,
                    None => return Ok(false),
                }
            }
            Ok(true)
        };
        let soon = Instant::now() + AHEAD_WITHIN;
        let read = timeout_at(deadline.at().map_or(soon, |at| at.min(soon)), reading).await;
        self.ahead = Some(ahead);
        read.unwrap_or(Ok(false))
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
        if let Some(ahead) = &mut answer.ahead {
            match ahead.0.pop_front() {
                Some(frame) => return Poll::Ready(Some(Ok(frame))),
                None => answer.ahead = None,
            }
        }
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
        self.ahead.as_ref().is_none_or(|ahead| ahead.0.is_empty()) && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        if let Some(ahead) = &self.ahead {
            let (ahead, upper) = (ahead.bytes(), hint.upper());
            hint.set_lower(hint.lower() + ahead);
            if let Some(upper) = upper {
                hint.set_upper(upper + ahead);
            }
        }
        hint
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").field("on_its_way", &self.held.is_some()).finish_non_exhaustive()
    }
}
