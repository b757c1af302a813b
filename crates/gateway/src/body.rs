//! Bodies on their way through.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::access::Watched;
use crate::cache::CacheBody;
use crate::metrics::InFlight;
use crate::policy::compress::Packing;
use crate::upstream::AnswerBody;

/// Why a body breaks off.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// An answer's body: passed on as it comes, or the gateway's own.
pub(crate) enum ResponseBody {
    /// A service's, piece by piece. If it breaks off, so does ours, and the client sees that it is not whole.
    Passing(Passing),
    /// The gateway's own.
    Own(Full<Bytes>),
    /// Either of them, packed on its way.
    Packed(Box<Packing>),
    /// Any of them, logged when it ends.
    Watched(Box<Watched>),
}

/// A service's body on its way to the client.
pub(crate) struct Passing {
    body: Streamed,
    /// Why it breaks off, until what came before is on its way.
    broken: Option<BodyError>,
    /// Event streams never end by themselves; they end here when the gateway drains, and their clients come again.
    until: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// What counts the request for as long as its answer is on its way.
    _counted: InFlight,
}

/// Where it comes from.
pub(crate) enum Streamed {
    Service(AnswerBody),
    /// The store, or the service and into the store.
    Cache(CacheBody),
}

impl From<AnswerBody> for Streamed {
    fn from(body: AnswerBody) -> Self {
        Self::Service(body)
    }
}

impl From<CacheBody> for Streamed {
    fn from(body: CacheBody) -> Self {
        Self::Cache(body)
    }
}

impl Streamed {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self {
            Self::Service(body) => Pin::new(body).poll_frame(context).map_err(Into::into),
            Self::Cache(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Service(body) => body.is_end_stream(),
            Self::Cache(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Service(body) => body.size_hint(),
            Self::Cache(body) => body.size_hint(),
        }
    }
}

impl Passing {
    pub(crate) fn new(body: Streamed, until: Option<WaitForCancellationFutureOwned>, counted: InFlight) -> Self {
        Self { body, broken: None, until: until.map(Box::pin), _counted: counted }
    }

    /// A failure ends the client's connection at once, with all that the server has not sent yet. So it is told a moment
    /// later than it is known: what the service has sent until then reaches the client.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(broken) = self.broken.take() {
            return Poll::Ready(Some(Err(broken)));
        }
        match self.body.poll_frame(context) {
            Poll::Pending => match &mut self.until {
                Some(until) => until.as_mut().poll(context).map(|()| None),
                None => Poll::Pending,
            },
            Poll::Ready(Some(Err(broken))) => {
                self.broken = Some(broken);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            ready => ready,
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Packed(packing) => packing.poll_frame(context),
            Self::Watched(watched) => watched.poll_frame(context),
            Self::Own(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::Passing(passing) => passing.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Packed(packing) => packing.is_end_stream(),
            Self::Watched(watched) => watched.is_end_stream(),
            Self::Own(body) => body.is_end_stream(),
            Self::Passing(passing) => passing.broken.is_none() && passing.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Packed(_) => SizeHint::default(),
            Self::Watched(watched) => watched.size_hint(),
            Self::Own(body) => body.size_hint(),
            Self::Passing(passing) => passing.body.size_hint(),
        }
    }
}
