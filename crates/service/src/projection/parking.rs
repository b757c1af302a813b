//! What a projection does with an event that it cannot apply: park its key, or stop.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tradewind_events::{Position, Recorded};

use super::Projection;
use super::pen::AsideAt;
use super::redriving::{Redriver, Redriving};
use super::runner::ProjectionRunner;
use super::sink::SqlSink;
use crate::follow::Status;
use crate::panics::catch;
use crate::reaction::Aside;

/// Between two tries to read what is set aside.
const PAUSE: Duration = Duration::from_millis(500);

/// What is set aside of one generation, and what must not be.
#[derive(Clone)]
pub(crate) struct Parking {
    pub(super) aside: Arc<Aside>,
    pub(super) required: Required,
}

/// Which events have to be applied, so that it is stopped at one that cannot be.
#[derive(Clone)]
pub(crate) enum Required {
    None,
    All,
    /// What the generation that answers has applied, the one that is to take its place must not lack: all up to here but
    /// those of the keys that it has set aside.
    Through(Position, Arc<HashSet<Arc<str>>>),
}

impl Required {
    pub(super) fn has(&self, key: &str, position: Position) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Through(last, but) => position <= *last && !but.contains(key),
        }
    }
}

/// The key of an event. Who falls over it when asked falls over it again when he applies it, and is told then.
pub(super) fn key_of<'a>(projection: &dyn Projection, event: &'a Recorded) -> Cow<'a, str> {
    catch("the key", || projection.key(event)).unwrap_or_else(|_| Cow::Borrowed(event.stream()))
}

impl ProjectionRunner {
    /// What is set aside of one generation, told by this status. What is parked is tried again: it may be other code now.
    pub(super) async fn read_aside(&mut self, at: AsideAt, status: Arc<Status>) -> Arc<Aside> {
        loop {
            let problem = match at.open().await {
                Ok(ledger) => {
                    let clock = self.around.clock.clone();
                    let aside = Aside::new(ledger, self.parking.clone(), clock, status.clone());
                    match aside.load_keys(true).await {
                        Ok(()) => return aside,
                        Err(problem) => problem,
                    }
                }
                Err(problem) => problem,
            };
            let projection = self.projection.name();
            tracing::warn!(projection, problem, "failed to read what is set aside; trying again");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// From now on what this generation, which answers, cannot apply is parked, and gone back to when somebody asks.
    pub(super) fn park_from_now_on(&mut self, sink: &mut SqlSink) {
        let Some(aside) = self.aside.clone() else { return };
        let redriver = Redriver {
            pen: Mutex::new(sink.pen().another()),
            aside: aside.clone(),
            skips: self.skips.clone(),
            upcasters: self.around.upcasters.clone(),
        };
        self.redriving = Some(Redriving::start(redriver));
        self.dead_letters.are_of(Some(aside.clone()));
        let required = if self.projection.parks() { Required::None } else { Required::All };
        sink.park_in(Parking { aside, required });
    }

    /// Operators see nothing of what is set aside until it is gone back to again.
    pub(super) async fn end_redriving(&mut self) {
        self.dead_letters.are_of(None);
        if let Some(redriving) = self.redriving.take() {
            redriving.finish().await;
        }
    }

    /// What the one that is built must have applied to take the place of the one that answers.
    pub(super) fn required_of_build(&self) -> Required {
        match &self.aside {
            _ if !self.projection.parks() => Required::All,
            Some(aside) => {
                let through = self.answering.borrow().position();
                Required::Through(through, Arc::new(aside.keys().into_iter().collect()))
            }
            None => Required::None,
        }
    }
}
