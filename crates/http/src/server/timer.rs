//! The timer that hyper is given for the heads of one connection's requests.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

use super::progress::Progress;
use crate::Patience;

/// hyper begins to wait anew with each request, also on an idle connection, and one at a time: all of them have one timer.
#[derive(Debug, Clone)]
pub(super) struct HeadTimer(Arc<Waiting>);

#[derive(Debug)]
struct Waiting {
    progress: Arc<Progress>,
    patience: Mutex<Option<Patience>>,
}

impl HeadTimer {
    pub(super) fn new(progress: Arc<Progress>) -> Self {
        Self(Arc::new(Waiting { progress, patience: Mutex::default() }))
    }
}

struct HeadWithin {
    timer: HeadTimer,
    until: tokio::time::Instant,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.0.progress.await_head();
        Box::pin(HeadWithin { timer: self.clone(), until: deadline.into() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

impl Future for HeadWithin {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut patience = self.timer.0.patience.lock().unwrap_or_else(PoisonError::into_inner);
        patience.get_or_insert_with(|| Patience::new(self.until)).poll_until(self.until, context)
    }
}

impl Sleep for HeadWithin {}
