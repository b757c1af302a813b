//! Which numbers may still come: those of transactions that are under way, and those of transactions that never came.
//!
//! A number that cannot be seen is a gap. It is looked at again until every transaction that could own it has ended: then
//! it never comes, and everything up to there is settled.

use std::collections::{BTreeMap, VecDeque};

/// How many marks wait at most: the oldest is what the next settlement needs.
const MARKS_MAX: usize = 64;

/// What one look at the table said.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// The numbers that got positions, ascending.
    pub(super) numbers: Vec<i64>,
    /// The last position that was given.
    pub(super) head: i64,
    /// Every transaction with a lower id had ended before the look.
    pub(super) oldest: i64,
    /// The look's own transaction's id: every transaction that had taken a number before the look has a lower one.
    pub(super) own: i64,
    /// Whether there was more than one look may take.
    pub(super) is_full: bool,
}

/// How far a look came: what is up to there will be settled once the transactions of then have ended.
#[derive(Debug, Clone, Copy)]
struct Reached {
    number: i64,
    position: i64,
}

/// How far a look came, and above the ids of all transactions of then.
#[derive(Debug, Clone, Copy)]
struct Mark {
    above: i64,
    reached: Reached,
}

/// What a stamper knows beside the tables.
#[derive(Debug, Clone, Default)]
pub(super) struct Settling {
    /// The highest number that has a position.
    pub(super) seen: i64,
    /// Numbers below it that have none: first to last.
    gaps: BTreeMap<i64, i64>,
    /// What the last look reached, if no mark stands for it yet: only the next look's id is above all those of then.
    unmarked: Option<Reached>,
    marks: VecDeque<Mark>,
    /// Every message up to this number has its position or never comes.
    pub(super) settled_number: i64,
    /// What is behind that number has a position behind this one.
    pub(super) settled_position: i64,
}

impl Settling {
    /// What a new stamper finds: what was settled, and the numbers that have positions behind that.
    pub(super) fn resume(settled_number: i64, settled_position: i64, stamped: &[i64]) -> Self {
        let mut settling = Self { seen: settled_number, settled_number, settled_position, ..Self::default() };
        let mut stamped: Vec<i64> = stamped.iter().copied().filter(|number| *number > settled_number).collect();
        stamped.sort_unstable();
        for number in stamped {
            settling.take(number);
        }
        settling
    }

    /// The gaps as two lists: where they begin and where they end.
    pub(super) fn gaps(&self) -> (Vec<i64>, Vec<i64>) {
        self.gaps.iter().map(|(first, last)| (*first, *last)).unzip()
    }

    /// Whether a further look would tell more, although nothing has come.
    pub(super) fn is_open(&self) -> bool {
        !self.gaps.is_empty() || !self.marks.is_empty() || self.unmarked.is_some()
    }

    /// Takes note of a look; true if more is settled than before.
    pub(super) fn note(&mut self, look: &Look) -> bool {
        if let Some(reached) = self.unmarked.take() {
            self.marks.push_back(Mark { above: look.own, reached });
        }
        for number in &look.numbers {
            self.take(*number);
        }
        if look.is_full {
            return false;
        }
        let before = self.settled_number;
        while let Some(Mark { reached, .. }) = self.marks.pop_front_if(|mark| mark.above <= look.oldest) {
            (self.settled_number, self.settled_position) = (reached.number, reached.position);
        }
        if self.settled_number > before {
            self.close_gaps();
        }
        let newest = self.marks.back().map_or(self.settled_number, |mark| mark.reached.number);
        if self.seen > newest && self.marks.len() < MARKS_MAX {
            self.unmarked = Some(Reached { number: self.seen, position: look.head });
        }
        self.settled_number > before
    }

    /// What was not there when everything up to some number was settled never comes.
    fn close_gaps(&mut self) {
        let settled = self.settled_number;
        let kept = self.gaps.split_off(&(settled + 1));
        // One that begins before and ends behind is cut.
        let cut = self.gaps.last_key_value().filter(|(_, last)| **last > settled).map(|(_, last)| *last);
        self.gaps = kept;
        if let Some(last) = cut {
            self.gaps.insert(settled + 1, last);
        }
    }

    fn take(&mut self, number: i64) {
        if number > self.seen {
            if number > self.seen + 1 {
                self.gaps.insert(self.seen + 1, number - 1);
            }
            self.seen = number;
            return;
        }
        let gap = self.gaps.range(..=number).next_back().map(|(first, last)| (*first, *last));
        if let Some((first, last)) = gap.filter(|(_, last)| *last >= number) {
            self.gaps.remove(&first);
            if first < number {
                self.gaps.insert(first, number - 1);
            }
            if number < last {
                self.gaps.insert(number + 1, last);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look by the transaction `own`, before which all below `oldest` had ended.
    fn look(numbers: &[i64], head: i64, oldest: i64, own: i64) -> Look {
        Look { numbers: numbers.to_vec(), head, oldest, own, is_full: false }
    }

    #[test]
    fn a_gap_is_looked_at_until_nobody_can_own_it() {
        let mut settling = Settling::default();
        assert!(!settling.note(&look(&[1, 2, 5], 3, 100, 110)));
        assert_eq!((settling.seen, settling.gaps()), (5, (vec![3], vec![4])));
        assert!(settling.is_open());
        // Somebody of then may have got an id after the look began, and is still under way.
        assert!(!settling.note(&look(&[], 3, 111, 120)));
        assert!(!settling.note(&look(&[], 3, 119, 121)));
        assert!(settling.note(&look(&[4], 4, 120, 122)));
        assert_eq!((settling.settled_number, settling.settled_position), (5, 3));
        assert_eq!(settling.gaps(), (vec![], vec![]));
        assert!(!settling.is_open());
    }

    #[test]
    fn what_nobody_else_is_at_work_on_is_settled_by_the_next_look() {
        let mut settling = Settling::default();
        assert!(!settling.note(&look(&[2], 1, 10, 10)));
        assert!(settling.note(&look(&[], 1, 11, 11)));
        assert_eq!((settling.settled_number, settling.is_open()), (2, false));
    }

    #[test]
    fn a_gap_behind_what_is_settled_stays_open() {
        let mut settling = Settling::default();
        settling.note(&look(&[3], 1, 10, 20));
        settling.note(&look(&[9], 2, 10, 30));
        assert_eq!(settling.gaps(), (vec![1, 4], vec![2, 8]));
        assert!(settling.note(&look(&[6], 3, 30, 40)));
        assert_eq!((settling.settled_number, settling.gaps()), (3, (vec![4, 7], vec![5, 8])));
        assert!(settling.note(&look(&[], 3, 40, 50)));
        assert_eq!((settling.settled_number, settling.settled_position), (9, 2));
    }

    #[test]
    fn a_full_look_settles_nothing() {
        let mut settling = Settling::default();
        settling.note(&look(&[2], 1, 10, 20));
        let full = Look { is_full: true, ..look(&[3, 4], 3, 30, 30) };
        assert!(!settling.note(&full));
        assert_eq!(settling.settled_number, 0);
        // By the next one all of then have ended: what that one found is not settled with it.
        assert!(settling.note(&look(&[1], 4, 31, 31)));
        assert_eq!((settling.settled_number, settling.settled_position), (2, 1));
    }

    #[test]
    fn a_new_stamper_finds_the_gaps_again() {
        let settling = Settling::resume(10, 8, &[15, 12, 11]);
        assert_eq!((settling.seen, settling.gaps()), (15, (vec![13], vec![14])));
    }
}
