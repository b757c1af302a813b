//! A request's body, of which several tries may have need.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;
use tradewind_http::ClientBody;

use super::Uploads;
use super::uploads::Allowance;
use crate::body::BodyError;
use crate::headers::remove_from_trailers;

/// What is sent to a service: nothing, bytes, or what a client is sending. A clone sends the same; of what a client is
/// sending, only as long as nothing of it has been read.
#[derive(Debug, Clone)]
pub struct RequestBody(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Bytes(Option<Bytes>),
    Passing(Arc<Senders>),
}

/// All who may send it. With the last of them the client's body goes, so that the client is not kept sending what nobody
/// takes.
#[derive(Debug)]
struct Senders(Arc<Passing>);

/// What a client is sending, for as long as somebody wants to know what became of it.
#[derive(Debug)]
struct Passing(Mutex<Flow>);

#[derive(Debug)]
struct Flow {
    /// None when nobody sends it any more.
    body: Option<ClientBody>,
    touched: bool,
    /// It broke off, is malformed, or more than may be.
    failed: bool,
    /// All of it has come.
    ended: bool,
    /// When the last piece of it went out, so that a slow upload does not count against the service.
    last_piece: Instant,
    allowance: Allowance,
    /// How many bytes may still come; none for any number.
    left: Option<u64>,
    is_too_large: bool,
}

/// More came than may.
#[derive(Debug, thiserror::Error)]
#[error("the request's body is larger than it may be")]
struct TooLarge;

impl RequestBody {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self(Kind::Bytes(None))
    }

    /// These bytes.
    #[must_use]
    pub fn bytes(bytes: Bytes) -> Self {
        Self(Kind::Bytes(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }

    /// What a client is sending, as it comes: at most so many bytes, or any number.
    #[must_use]
    pub fn passing(body: ClientBody, bytes_max: Option<u64>) -> Self {
        if body.is_end_stream() {
            return Self::empty();
        }
        let flow = Flow {
            body: Some(body),
            touched: false,
            failed: false,
            ended: false,
            last_piece: Instant::now(),
            allowance: Allowance::new(Uploads::default()),
            left: bytes_max,
            is_too_large: false,
        };
        Self(Kind::Passing(Arc::new(Senders(Arc::new(Passing(Mutex::new(flow)))))))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.0, Kind::Bytes(None))
    }

    /// Whether more came than may.
    pub(crate) fn is_too_large(&self) -> bool {
        match &self.0 {
            Kind::Bytes(_) => false,
            Kind::Passing(senders) => senders.0.flow().is_too_large,
        }
    }

    /// Whether sending the request again would send the same body: it has none, or none of it was read.
    pub(super) fn can_be_sent_again(&self) -> bool {
        match &self.0 {
            Kind::Bytes(_) => true,
            Kind::Passing(senders) => !senders.0.flow().touched,
        }
    }

    /// Whether two could be sent at once.
    pub(super) fn can_be_sent_twice(&self) -> bool {
        matches!(self.0, Kind::Bytes(_))
    }

    /// How slowly its client may send it.
    pub(super) fn allow(&self, uploads: Uploads) {
        if let Kind::Passing(senders) = &self.0 {
            senders.0.flow().allowance = Allowance::new(uploads);
        }
    }

    /// How far a client is with it, if one is sending it.
    pub(super) fn progress(&self) -> Option<Progress> {
        match &self.0 {
            Kind::Bytes(_) => None,
            Kind::Passing(senders) => {
                let flow = senders.0.flow();
                Some(Progress { last_piece: flow.last_piece, awaited_until: flow.allowance.ends(), ended: flow.ended })
            }
        }
    }

    /// What tells later how it went, if it can go wrong.
    pub(super) fn watch(&self) -> Option<Sending> {
        match &self.0 {
            Kind::Bytes(_) => None,
            Kind::Passing(senders) => Some(Sending(Arc::clone(&senders.0))),
        }
    }

    /// Whether it broke off, is malformed, or more than may be: then it is no wonder that there is no answer.
    pub(super) fn has_failed(&self) -> bool {
        match &self.0 {
            Kind::Bytes(_) => false,
            Kind::Passing(senders) => senders.0.flow().failed,
        }
    }
}

/// How far a client is with sending a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// When its last piece went out; before that, when its head had come.
    pub(super) last_piece: Instant,
    /// The client is silent, and until then it may be. None if it has sent all, or the service has still to take what was
    /// sent.
    pub(super) awaited_until: Option<Instant>,
    /// All of it has come.
    pub(super) ended: bool,
}

/// A body on its way to a service, for whoever does not send it.
#[derive(Debug)]
pub(super) struct Sending(Arc<Passing>);

impl Sending {
    /// Whether it broke off, is malformed, or more than may be.
    pub(super) fn has_failed(&self) -> bool {
        self.0.flow().failed
    }
}

impl Passing {
    fn flow(&self) -> MutexGuard<'_, Flow> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Senders {
    fn drop(&mut self) {
        let body = self.0.flow().body.take();
        // Not under the lock: it tells the client's connection.
        drop(body);
    }
}

impl Flow {
    /// The next piece, counted.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(context) else {
            self.allowance.is_awaited();
            return Poll::Pending;
        };
        self.last_piece = Instant::now();
        self.ended = frame.is_none() || body.is_end_stream();
        self.touched |= frame.is_some();
        self.failed |= frame.as_ref().is_some_and(Result::is_err);
        let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
        let bytes = data.map_or(0, |data| data.len() as u64);
        self.allowance.has_come(bytes, self.last_piece);
        match self.left.map(|left| left.checked_sub(bytes)) {
            Some(None) => {
                (self.failed, self.is_too_large) = (true, true);
                return Poll::Ready(Some(Err(TooLarge.into())));
            }
            Some(left) => self.left = left,
            None => {}
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().0 {
            Kind::Bytes(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Passing(senders) => senders.0.flow().poll_frame(context).map_ok(|mut frame| {
                if let Some(trailers) = frame.trailers_mut() {
                    remove_from_trailers(trailers);
                }
                frame
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Bytes(bytes) => bytes.is_none(),
            Kind::Passing(senders) => senders.0.flow().body.as_ref().is_none_or(Body::is_end_stream),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Passing(senders) => senders.0.flow().body.as_ref().map_or_else(SizeHint::default, Body::size_hint),
        }
    }
}
