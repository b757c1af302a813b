//! What nobody has read of a request that is answered already.
//!
//! A connection cannot go on behind a body that was not read, and closing it under a client that has sent the next request
//! on it loses that: a gateway sees that it was closed, and not whether the request was carried out. So the rest is read,
//! if it is small and comes soon, and else the answer says that the connection ends with it (RFC 9112 §9.6).

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use http::{HeaderMap, HeaderValue, Version, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

/// So much is read on, at most.
const BYTES_MAX: usize = 64 << 10;

/// And for so long.
const WITHIN: Duration = Duration::from_millis(500);

/// Where a body comes to when whoever has read it lets it go.
#[derive(Clone)]
pub(super) struct Unread(Arc<Mutex<Option<Body>>>);

/// A body that is handed out.
struct Lent {
    body: Option<Body>,
    back: Unread,
}

impl Unread {
    /// Keeps an eye on a request's body, if it has one and its connection carries one request after the other.
    pub(super) fn of(request: &mut Request) -> Option<Self> {
        if request.body().is_end_stream() || request.version() == Version::HTTP_2 {
            return None;
        }
        let back = Self(Arc::default());
        let body = Some(std::mem::take(request.body_mut()));
        *request.body_mut() = Body::new(Lent { body, back: back.clone() });
        Some(back)
    }

    /// Reads what is left of it, or says on the answer that the connection ends.
    pub(super) async fn settle(self, answer: &mut HeaderMap) {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(left) = left else { return };
        let is_small = left.size_hint().exact().is_none_or(|bytes| bytes <= BYTES_MAX as u64);
        let is_read = is_small && matches!(tokio::time::timeout(WITHIN, read_on(left)).await, Ok(true));
        if !is_read {
            answer.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Whether it came to its end.
async fn read_on(mut body: Body) -> bool {
    let mut left = BYTES_MAX;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(bytes) {
            Some(less) => left = less,
            None => return false,
        }
    }
    true
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let left = self.body.take().filter(|body| !body.is_end_stream());
        *self.back.0.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }
}
