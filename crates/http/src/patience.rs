//! A time limit that is set anew for each request, and hardly ever reached.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer for one limit after the other. It is not moved for each of them: one that was set for a sooner limit stays as
/// it is, and when it goes off too early, it is set to the limit of that moment. So whoever has a limit for each request
/// has to do with the runtime's timers once within such a limit, and not twice for each request.
#[derive(Debug)]
pub struct Patience(Pin<Box<Sleep>>);

impl Patience {
    /// A timer whose first limit this is.
    #[must_use]
    pub fn new(until: Instant) -> Self {
        Self(Box::pin(sleep_until(until)))
    }

    /// Whether a limit is reached; if not, the task is woken then, or sooner.
    pub fn poll_until(&mut self, until: Instant, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.0.deadline() > until {
                self.0.as_mut().reset(until);
            }
            ready!(self.0.as_mut().poll(context));
            if until <= Instant::now() {
                return Poll::Ready(());
            }
            self.0.as_mut().reset(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    async fn until(patience: &mut Patience, limit: Instant) -> Duration {
        let before = Instant::now();
        poll_fn(|context| patience.poll_until(limit, context)).await;
        before.elapsed()
    }

    /// Whether the limit is away still.
    async fn is_away(patience: &mut Patience, limit: Instant) -> bool {
        poll_fn(|context| Poll::Ready(patience.poll_until(limit, context).is_pending())).await
    }

    #[tokio::test]
    async fn the_limit_of_the_moment_counts_whatever_was_before() {
        let ms = Duration::from_millis;
        let begun = Instant::now();
        let mut patience = Patience::new(begun + ms(20));
        // Each is later than the one before.
        for limit in [20, 40, 80] {
            assert!(is_away(&mut patience, begun + ms(limit)).await);
        }
        let took = until(&mut patience, begun + ms(80)).await;
        assert!(begun.elapsed() >= ms(80), "{took:?}");
        // It has gone off, and serves again.
        let took = until(&mut patience, Instant::now() + ms(30)).await;
        assert!((ms(30)..ms(2_000)).contains(&took), "{took:?}");
        // A sooner one is not kept waiting by a later one.
        assert!(is_away(&mut patience, Instant::now() + Duration::from_secs(60)).await);
        let took = until(&mut patience, Instant::now() + ms(10)).await;
        assert!((ms(10)..ms(2_000)).contains(&took), "{took:?}");
        // One that is over is over.
        assert!(!is_away(&mut patience, Instant::now() - ms(1)).await);
    }
}
