//! How far a connection is: what its service, its stream and hyper's timer tell each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::unread::Unread;

/// How far one connection is.
#[derive(Debug)]
pub(super) struct Progress {
    /// Requests of all connections whose answer has not begun.
    requests: Arc<AtomicUsize>,
    has_begun: AtomicBool,
    /// Requests over HTTP/2 that have begun, and whose answers have ended.
    streams_begun: AtomicUsize,
    streams_ended: AtomicUsize,
    /// A head is waited for, and no request has come of it.
    awaits_head: AtomicBool,
    unread: Unread,
    is_switched: AtomicBool,
}

/// A request over HTTP/2 whose answer has not ended, and which is not given up.
pub(super) struct UnderWay(Arc<Progress>);

/// A request whose answer has not begun, and which is not given up.
pub(super) struct Unanswered(Arc<Progress>);

impl Progress {
    pub(super) fn new(requests: &Arc<AtomicUsize>) -> Arc<Self> {
        Arc::new(Self {
            requests: Arc::clone(requests),
            has_begun: AtomicBool::new(false),
            streams_begun: AtomicUsize::new(0),
            streams_ended: AtomicUsize::new(0),
            awaits_head: AtomicBool::new(false),
            unread: Unread::default(),
            is_switched: AtomicBool::new(false),
        })
    }

    /// A request's head is there.
    pub(super) fn begin(self: &Arc<Self>) -> Unanswered {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.has_begun.store(true, Ordering::Relaxed);
        self.awaits_head.store(false, Ordering::Relaxed);
        Unanswered(Arc::clone(self))
    }

    /// Another stream of HTTP/2 has begun.
    pub(super) fn begin_stream(self: &Arc<Self>) -> UnderWay {
        self.streams_begun.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// The next request's head is waited for, over HTTP/1.
    pub(super) fn await_head(&self) {
        self.awaits_head.store(true, Ordering::Relaxed);
    }

    /// HTTP ends on it with this answer, and something else goes on.
    pub(super) fn switch(&self) {
        self.is_switched.store(true, Ordering::Relaxed);
    }

    /// Whether it has brought a request.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// How many streams of HTTP/2 have begun, and how many have ended.
    pub(super) fn streams(&self) -> (usize, usize) {
        // None ends before it has begun, so that what is under way is never missed.
        let ended = self.streams_ended.load(Ordering::Acquire);
        (self.streams_begun.load(Ordering::Relaxed), ended)
    }

    /// Whether the next request's head is waited for, so that all before it has been read and answered.
    pub(super) fn awaits_head(&self) -> bool {
        self.awaits_head.load(Ordering::Relaxed)
    }

    /// What has not been read of a request's body.
    pub(super) fn unread(&self) -> &Unread {
        &self.unread
    }

    /// Whether something else than HTTP is spoken on it.
    pub(super) fn is_switched(&self) -> bool {
        self.is_switched.load(Ordering::Relaxed)
    }
}

impl Unanswered {
    /// The connection's.
    pub(super) fn progress(&self) -> &Progress {
        &self.0
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.streams_ended.fetch_add(1, Ordering::Release);
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}
