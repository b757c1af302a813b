//! Any sequence of steps, against the trivial store; a failing one is made shorter until it is the shortest.

use proptest::prelude::*;
use tradewind_prove::store::Report;
use tradewind_prove::store::sequence::play;

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_steps_gives_what_the_trivial_store_gives(
        disk in any::<u64>(),
        steps in proptest::collection::vec(any::<u64>(), 0..60),
    ) {
        let mut report = Report::default();
        let played = play(disk, &steps, &mut report);
        prop_assert!(played.is_ok(), "{}", played.unwrap_err());
    }
}
