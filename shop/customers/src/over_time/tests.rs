use proptest::prelude::*;

use super::*;

fn moment(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

#[test]
fn a_value_holds_from_its_moment_until_the_next() {
    let mut home = OverTime::default();
    home.set(moment(10), "old");
    home.set(moment(20), "new");
    assert_eq!(home.at(moment(9)), None);
    assert_eq!(home.at(moment(10)), Some(&"old"));
    assert_eq!(home.at(moment(19)), Some(&"old"));
    assert_eq!(home.at(moment(20)), Some(&"new"));
}

#[test]
fn of_two_for_the_same_moment_the_last_counts() {
    let mut home = OverTime::default();
    home.set(moment(10), "typed wrong");
    home.set(moment(10), "typed right");
    assert_eq!(home.at(moment(10)), Some(&"typed right"));
}

proptest! {
    /// The past does not depend on the order in which it became known.
    #[test]
    fn changes_that_come_late_come_into_their_place(
        moments in prop::collection::btree_set(0_i64..1_000, 1..20),
        told_first in 0_usize..20,
        asked in 0_i64..1_000,
    ) {
        let mut told: Vec<i64> = moments.iter().copied().collect();
        let first = told_first % told.len();
        told.rotate_left(first);
        let mut values = OverTime::default();
        for at in told {
            values.set(moment(at), at);
        }
        prop_assert_eq!(values.at(moment(asked)), moments.range(..=asked).next_back());
    }
}
