//! Bodies on their way through.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Instant;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::metrics::InFlight;
use crate::policy::compress::Packing;
use crate::upstream::UnderWay;

/// A request's body that an attempt borrows: as long as nothing of it has been read, another attempt may have it.
#[derive(Clone)]
pub(crate) struct SharedBody(Arc<Mutex<Inner>>);

struct Inner {
    body: Incoming,
    touched: bool,
    /// When the last piece of it went out, so that a slow upload does not count against the service.
    last_piece: Instant,
    /// How many bytes may still come; none for any number.
    left: Option<u64>,
    is_too_large: bool,
}

/// Why a body breaks off.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// More came than may.
#[derive(Debug, thiserror::Error)]
#[error("the request's body is larger than it may be")]
struct TooLarge;

impl SharedBody {
    /// A body of at most so many bytes; none for any number.
    pub(crate) fn new(body: Incoming, bytes_max: Option<u64>) -> Self {
        let (left, is_too_large) = (bytes_max, false);
        Self(Arc::new(Mutex::new(Inner { body, touched: false, last_piece: Instant::now(), left, is_too_large })))
    }

    /// Whether more came than may.
    pub(crate) fn is_too_large(&self) -> bool {
        self.lock().is_too_large
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether sending the request again would send the same body: it has none, or none of it was read.
    pub(crate) fn can_be_sent_again(&self) -> bool {
        !self.lock().touched
    }

    pub(crate) fn last_piece(&self) -> Instant {
        self.lock().last_piece
    }
}

impl Body for SharedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut inner = self.lock();
        let polled = Pin::new(&mut inner.body).poll_frame(context);
        if let Poll::Ready(frame) = &polled {
            inner.last_piece = Instant::now();
            inner.touched |= frame.is_some();
            let bytes =
                frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, |data| data.len() as u64);
            match inner.left.map(|left| left.checked_sub(bytes)) {
                Some(None) => {
                    inner.is_too_large = true;
                    return Poll::Ready(Some(Err(TooLarge.into())));
                }
                Some(left) => inner.left = left,
                None => {}
            }
        }
        polled.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().body.size_hint()
    }
}

/// An answer's body: passed on as it comes, or the gateway's own.
pub(crate) enum ResponseBody {
    /// A service's, piece by piece. If it breaks off, so does ours, and the client sees that it is not whole.
    Passing(Passing),
    /// The gateway's own.
    Own(Full<Bytes>),
    /// Either of them, packed on its way.
    Packed(Box<Packing>),
}

/// A service's body on its way to the client.
pub(crate) struct Passing {
    body: Incoming,
    /// Event streams never end by themselves; they end here when the gateway drains, and their clients come again.
    until: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// What counts the request for as long as its answer is on its way.
    _counted: (InFlight, UnderWay),
}

impl Passing {
    pub(crate) fn new(
        body: Incoming,
        until: Option<WaitForCancellationFutureOwned>,
        counted: (InFlight, UnderWay),
    ) -> Self {
        Self { body, until: until.map(Box::pin), _counted: counted }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Packed(packing) => packing.poll_frame(context),
            Self::Own(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::Passing(passing) => match Pin::new(&mut passing.body).poll_frame(context) {
                Poll::Pending => match &mut passing.until {
                    Some(until) => until.as_mut().poll(context).map(|()| None),
                    None => Poll::Pending,
                },
                ready => ready.map_err(Into::into),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Packed(packing) => packing.is_end_stream(),
            Self::Own(body) => body.is_end_stream(),
            Self::Passing(passing) => passing.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Packed(_) => SizeHint::default(),
            Self::Own(body) => body.size_hint(),
            Self::Passing(passing) => passing.body.size_hint(),
        }
    }
}
