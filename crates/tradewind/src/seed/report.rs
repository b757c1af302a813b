//! How it goes, for a person or for a program.

use std::time::{Duration, Instant};

use serde_json::json;
use tradewind_events::Position;

use super::handing::Seeded;
use crate::command::output::print;
use crate::command::progress::Progress;

/// How often a program is told.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Tells of one follower after the other.
pub(crate) struct Report {
    is_json: bool,
    progress: Progress,
    follower: String,
    source: String,
    begun: Instant,
    told: Instant,
    from: Position,
    through: Position,
}

impl Report {
    pub(crate) fn new(is_json: bool) -> Self {
        let (now, start) = (Instant::now(), Position::START);
        let (follower, source) = (String::new(), String::new());
        Self {
            is_json,
            progress: Progress::new(),
            follower,
            source,
            begun: now,
            told: now,
            from: start,
            through: start,
        }
    }

    pub(super) fn begin(&mut self, follower: &str, source: &str, from: Position, through: Position) {
        (self.follower, self.source) = (follower.to_owned(), source.to_owned());
        (self.from, self.through) = (from, through);
        self.begun = Instant::now();
        self.told = self.begun;
    }

    pub(super) fn reached(&mut self, position: Position, events: u64) {
        let seconds = self.begun.elapsed().as_secs_f64().max(1e-6);
        let rate = events as f64 / seconds;
        let (done, left) = (position.0.saturating_sub(self.from.0), self.through.0.saturating_sub(position.0));
        let left_seconds = seconds * left as f64 / done.max(1) as f64;
        if self.is_json {
            if self.told.elapsed() >= TELL_EVERY {
                self.told = Instant::now();
                let told = json!({
                    "type": "seeding", "follower": self.follower, "source": self.source, "position": position,
                    "through": self.through, "handedOver": events, "eventsPerSecond": rate.round(),
                    "leftSeconds": left_seconds.round(),
                });
                // The end is told all the same, or fails for the same reason.
                let _ = print(&told.to_string());
            }
            return;
        }
        let (follower, through) = (&self.follower, self.through);
        self.progress.show(|| {
            let percent = 100.0 * (1.0 - left as f64 / (left + done).max(1) as f64);
            format!(
                "{follower}: {events} events, position {position} of {through} ({percent:.0} %), {rate:.0} events/s, \
                 {left_seconds:.0} s left"
            )
        });
    }

    pub(crate) fn ended(&mut self, seeded: &Seeded) -> anyhow::Result<()> {
        self.progress.end();
        if self.is_json {
            let mut told = serde_json::to_value(seeded)?;
            told["type"] = "seeded".into();
            return print(&told.to_string());
        }
        let Seeded { follower, source, position, events, handed_over, checksum, events_per_second } = seeded;
        print(&format!(
            "{follower}: {events} events of {source} up to position {position}, checksum {checksum}, as the source says; \
             {handed_over} handed over now, {events_per_second:.0} events/s"
        ))
    }

    pub(crate) fn end(&mut self) {
        self.progress.end();
    }
}
