//! Which of three slots remembers ids now: each has its turn for a week, and is emptied before the next.

use std::time::Duration;

use tradewind_events::Timestamp;

/// How long an id is remembered at least; at most three times as long.
const REMEMBER_FOR: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Whose turn it is; the slot is what is left after dividing by three.
pub(crate) fn turn(now: Timestamp) -> i64 {
    now.micros().max(0) / REMEMBER_FOR.as_micros() as i64
}

/// The slot that is written to next: what it has is the oldest.
pub(crate) fn oldest(now: Timestamp) -> i64 {
    (turn(now) + 1) % 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_remembered_for_a_week_at_least() {
        let written = Timestamp::EPOCH.plus(REMEMBER_FOR * 9 + REMEMBER_FOR / 2);
        let slot = turn(written) % 3;
        let mut day = written;
        while day < written.plus(REMEMBER_FOR) {
            assert_ne!(oldest(day), slot);
            day = day.plus(Duration::from_secs(24 * 3_600));
        }
        assert_eq!(oldest(written.plus(REMEMBER_FOR * 2)), slot);
    }
}
