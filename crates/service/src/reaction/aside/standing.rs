//! How a key stands after its first event was not met, and whether there is room for it.

use tokio::time::Instant;
use tradewind_events::{ErrorCode, Recorded};

use super::index::{Due, Slot};
use super::{Aside, FREE_PERCENT};
use crate::follow::Stopped;
use crate::reaction::failure::class;
use crate::reaction::ledger::{SetAside, Standing, State};
use crate::reaction::meeting::Left;

impl Aside {
    /// How a key stands whose first event was not met; it is one that `was_first` before, or has become so.
    pub(crate) fn standing(&self, key: &str, left: &Left, was_first: bool) -> (Standing, Slot) {
        let (now, at) = (self.now(), Instant::now());
        let known = if was_first { self.index().get(key).cloned() } else { None };
        let successes = self.circuit.successes();
        let mut slot = known.clone().unwrap_or_default();
        (slot.events, slot.is_driven, slot.due) = (0, false, Due::Waiting(at));
        let failure = match left {
            Left::NotTried => return (Standing { attempts: slot.attempts, ..Standing::untried(now) }, slot),
            Left::Until(due) if *due > now => {
                return (Standing::delayed(*due), Slot::delayed(*due));
            }
            // Who wants to come again at once is not let to do nothing else.
            Left::Until(_) => {
                let pause = self.options.pause_first;
                let slot = Slot { due: Due::Waiting(at + pause), tried: Some(at), ..Slot::default() };
                return (Standing::untried(now.plus(pause)), slot);
            }
            Left::Failed(failure) => failure,
        };
        let counts = match failure.class {
            class::UNAVAILABLE => false,
            // It says something about its event only if others succeed.
            class::TRANSIENT => known.is_none_or(|slot| slot.successes < successes) && !self.circuit.is_open(),
            _ => true,
        };
        slot.attempts += u32::from(counts);
        (slot.tries, slot.tried, slot.successes) = (slot.tries + 1, Some(at), successes);
        slot.first_failed = slot.first_failed.or(Some(now));
        let is_exhausted = failure.is_transient() && slot.attempts >= self.options.attempts_max;
        let failure_class = if is_exhausted { class::EXHAUSTED } else { failure.class };
        let mut standing = Standing {
            state: State::Parked,
            failure: failure_class.to_owned(),
            // PostgreSQL has no text with a zero character in it.
            error: failure.error.replace('\0', "\u{FFFD}"),
            attempts: slot.attempts,
            first_failed: slot.first_failed,
            last_failed: Some(now),
            due: None,
        };
        if is_exhausted || !failure.is_transient() {
            slot.due = Due::Parked;
        } else {
            let pause = self.backoff().after(slot.tries);
            slot.due = Due::Waiting(at + pause);
            (standing.state, standing.due) = (State::Waiting, Some(now.plus(pause)));
        }
        (standing, slot)
    }

    /// The first event, by position, for which there is no room, and why.
    pub(crate) fn first_without_room<'a>(&self, all: &'a [(SetAside, Slot)]) -> Option<Stopped> {
        let counted = self.index().counted();
        let mut keys = counted.parked.keys + counted.waiting.keys;
        let mut events = counted.events();
        let mut at: Vec<(&'a Recorded, bool)> = Vec::new();
        for (one, _) in all {
            let is_new = one.standing.state != State::Delayed && !self.contains(&one.key);
            at.extend(one.events.iter().enumerate().map(|(index, event)| (event, is_new && index == 0)));
        }
        at.sort_by_key(|(event, _)| event.position());
        for (event, is_new_key) in at {
            (keys, events) = (keys + u64::from(is_new_key), events + 1);
            let full = match () {
                () if keys > self.options.keys_max => format!("{} keys that have failed", self.options.keys_max),
                () if events > self.options.events_max => format!("{} events", self.options.events_max),
                () => continue,
            };
            let error = format!("{full} are set aside, and more may not be; redrive or drop some of them");
            return Some(Stopped::at(event, error).with_code(ErrorCode::TOO_MUCH_ASIDE));
        }
        None
    }

    /// Whether somebody who stopped for want of room can go on for a while.
    pub(crate) fn has_room(&self) -> bool {
        let counted = self.index().counted();
        let most = |max: u64| max - (max * FREE_PERCENT).div_ceil(100);
        let keys = counted.parked.keys + counted.waiting.keys;
        keys <= most(self.options.keys_max) && counted.events() <= most(self.options.events_max)
    }
}
