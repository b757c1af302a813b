//! What nobody has read of a request's body when the request is answered.
//!
//! A connection of HTTP/1 cannot go on behind a body that was not read, and closing it under a client that has sent the
//! next request on it loses that: a gateway sees that it was closed, and not whether the request was carried out. So a
//! connection lends its request's body, and has back what is left of it. It reads on what is little and comes soon; else,
//! or if somebody reads it still, the answer says that the connection ends with it (RFC 9112 §9.6). Over HTTP/2 the other
//! streams go on, whatever becomes of one's body.

use std::fmt;
use std::future::poll_fn;
use std::mem::replace;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Version, header};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, timeout_at};

use super::progress::Progress;

/// So much of a body that nobody wanted is read on, at most.
const READ_ON_BYTES_MAX: usize = 64 << 10;

/// And until so long after its head: who is answered late has sent all by then, or does not wait still longer for it.
const READ_ON_WITHIN: Duration = Duration::from_millis(500);

/// A request's body, as its client sends it. Its connection knows how far it has been read.
pub struct ClientBody {
    /// None while it is dropped.
    body: Option<Incoming>,
    /// None when no more of it can come.
    lent: Option<Lent>,
}

/// The connection that waits for the body's end.
struct Lent {
    progress: Arc<Progress>,
    /// Other requests go on beside this one.
    is_multiplexed: bool,
    /// Its client sends it, and does not wait to be told to.
    is_sent: bool,
}

/// What a connection knows of its present request's body.
#[derive(Debug, Default)]
pub(super) struct Unread(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// All has been read.
    #[default]
    Nothing,
    /// Whoever answers the request has it.
    Lent,
    /// Whoever answers the request wants no more of it.
    Left(Incoming),
    /// The connection cannot go on behind it, whoever reads it.
    Open,
}

impl ClientBody {
    /// Lends a request's body, if it has one. The time until which what is left of it is waited for, if it has to be read
    /// before the connection can go on.
    pub(super) fn lend(request: Request<Incoming>, progress: &Arc<Progress>) -> (Request<Self>, Option<Instant>) {
        let is_multiplexed = request.version() == Version::HTTP_2;
        let is_sent = !request.headers().contains_key(header::EXPECT);
        let lent =
            (!request.body().is_end_stream()).then(|| Lent { progress: Arc::clone(progress), is_multiplexed, is_sent });
        let until = (lent.is_some() && !is_multiplexed).then(|| Instant::now() + READ_ON_WITHIN);
        if until.is_some() {
            *progress.unread().state() = State::Lent;
        }
        (request.map(|body| Self { body: Some(body), lent }), until)
    }

    fn ended(&mut self) {
        if let Some(lent) = self.lent.take()
            && !lent.is_multiplexed
        {
            *lent.progress.unread().state() = State::Nothing;
        }
    }
}

impl Lent {
    /// Takes back what somebody has not read to its end.
    fn take_back(self, body: Incoming) {
        let mut state = self.progress.unread().state();
        let is_awaited = matches!(*state, State::Lent) && self.is_sent;
        // Not dropped under the lock: that tells hyper.
        let (next, dropped) = if is_awaited { (State::Left(body), None) } else { (State::Open, Some(body)) };
        *state = next;
        drop(state);
        drop(dropped);
    }
}

impl Unread {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether more of a body may come. Over HTTP/2 that is not known, once one was not read to its end.
    pub(super) fn is_open(&self) -> bool {
        !matches!(*self.state(), State::Nothing)
    }

    /// Lets the body go that nobody reads before HTTP ends on the connection.
    pub(super) fn give_up(&self) {
        let left = replace(&mut *self.state(), State::Open);
        drop(left);
    }

    /// Reads what is left of the body, or says on the answer that the connection ends.
    pub(super) async fn settle(&self, until: Instant, answer: &mut HeaderMap) {
        let left = match replace(&mut *self.state(), State::Open) {
            State::Left(body) => Some(body),
            _ => None,
        };
        let is_small = |body: &Incoming| body.size_hint().lower() <= READ_ON_BYTES_MAX as u64;
        if let Some(left) = left.filter(is_small)
            && let Ok(true) = timeout_at(until, read_on(left)).await
        {
            *self.state() = State::Nothing;
        } else {
            answer.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Whether it came to its end.
async fn read_on(mut body: Incoming) -> bool {
    let mut left = READ_ON_BYTES_MAX;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(frame) = frame else { return false };
        let Some(less) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return false };
        left = less;
    }
    true
}

/// One of another server's connection, which does not ask how far it is read.
impl From<Incoming> for ClientBody {
    fn from(body: Incoming) -> Self {
        Self { body: Some(body), lent: None }
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if let Some(lent) = &mut this.lent {
            lent.is_sent = true;
        }
        let frame = ready!(Pin::new(&mut *body).poll_frame(context));
        match &frame {
            // What is behind it cannot be told from it.
            Some(Err(_)) => {
                if let Some(lent) = this.lent.take() {
                    *lent.progress.unread().state() = State::Open;
                }
            }
            Some(Ok(frame)) if frame.is_data() && !body.is_end_stream() => {}
            _ => this.ended(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        if let (Some(body), Some(lent)) = (self.body.take(), self.lent.take()) {
            lent.take_back(body);
        }
    }
}

impl fmt::Debug for ClientBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBody").field("may_go_on", &self.lent.is_some()).finish_non_exhaustive()
    }
}
