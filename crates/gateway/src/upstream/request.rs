//! A request's body, of which several tries may have need.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Instant;

use crate::body::BodyError;

/// What is sent to a service: nothing, bytes, or what a client is sending. A clone sends the same; of what a client is
/// sending, only as long as nothing of it has been read.
#[derive(Debug, Clone)]
pub struct RequestBody(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Bytes(Option<Bytes>),
    Passing(Arc<Mutex<Passing>>),
}

#[derive(Debug)]
struct Passing {
    body: Incoming,
    touched: bool,
    /// When the last piece of it went out, so that a slow upload does not count against the service.
    last_piece: Instant,
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
    pub fn passing(body: Incoming, bytes_max: Option<u64>) -> Self {
        if body.is_end_stream() {
            return Self::empty();
        }
        let (touched, last_piece) = (false, Instant::now());
        let passing = Passing { body, touched, last_piece, left: bytes_max, is_too_large: false };
        Self(Kind::Passing(Arc::new(Mutex::new(passing))))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.0, Kind::Bytes(None))
    }

    /// Whether more came than may.
    pub(crate) fn is_too_large(&self) -> bool {
        match &self.0 {
            Kind::Bytes(_) => false,
            Kind::Passing(passing) => lock(passing).is_too_large,
        }
    }

    /// Whether sending the request again would send the same body: it has none, or none of it was read.
    pub(super) fn can_be_sent_again(&self) -> bool {
        match &self.0 {
            Kind::Bytes(_) => true,
            Kind::Passing(passing) => !lock(passing).touched,
        }
    }

    /// Whether two could be sent at once.
    pub(super) fn can_be_sent_twice(&self) -> bool {
        matches!(self.0, Kind::Bytes(_))
    }

    /// When a client's last piece went out, if there is one that is still sending.
    pub(super) fn last_piece(&self) -> Option<Instant> {
        match &self.0 {
            Kind::Bytes(_) => None,
            Kind::Passing(passing) => Some(lock(passing).last_piece),
        }
    }
}

fn lock(passing: &Mutex<Passing>) -> std::sync::MutexGuard<'_, Passing> {
    passing.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().0 {
            Kind::Bytes(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Passing(passing) => {
                let mut passing = lock(passing);
                let polled = Pin::new(&mut passing.body).poll_frame(context);
                if let Poll::Ready(frame) = &polled {
                    passing.last_piece = Instant::now();
                    passing.touched |= frame.is_some();
                    let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
                    let bytes = data.map_or(0, |data| data.len() as u64);
                    match passing.left.map(|left| left.checked_sub(bytes)) {
                        Some(None) => {
                            passing.is_too_large = true;
                            return Poll::Ready(Some(Err(TooLarge.into())));
                        }
                        Some(left) => passing.left = left,
                        None => {}
                    }
                }
                polled.map_err(Into::into)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Bytes(bytes) => bytes.is_none(),
            Kind::Passing(passing) => lock(passing).body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Passing(passing) => lock(passing).body.size_hint(),
        }
    }
}
