//! What every engine must hold: one suite, run against each by [`conformance_tests!`](crate::conformance_tests).
//!
//! A check gets an empty store and panics when a promise of the port is broken. Checks are named as those promises.

#![expect(clippy::unwrap_used, reason = "a check fails by panicking")]

pub mod concurrency;
pub mod conditions;
mod given;
pub mod idempotency;
pub mod keeping;
pub mod limits;
pub mod reading;
pub mod streams;
pub mod subscriptions;

use std::any::Any;
use std::sync::Arc;

use tradewind_events::EventStore;

/// An empty store, and what has to live as long as it: a folder, a server.
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn EventStore>,
    /// Dropped after the check.
    pub keep: Box<dyn Any + Send>,
}

/// Makes each check of the suite a test of its own. `$open` is an `async fn() -> Fixture` that opens an empty store; it
/// may also answer `Option<Fixture>`, and none where the engine's server is to be left out.
///
/// ```text
/// mod memory {
///     tradewind_store::conformance_tests!(super::open_memory);
/// }
/// ```
#[macro_export]
macro_rules! conformance_tests {
    ($open:path) => {
        $crate::conformance_tests! { $open;
            streams::a_new_stream_begins_at_revision_zero_and_position_one,
            streams::revisions_count_in_the_stream_and_positions_in_the_store,
            streams::expected_revisions_decide_who_may_append,
            streams::an_append_to_several_streams_is_all_or_nothing,
            streams::a_part_without_events_only_checks_its_stream,
            streams::what_is_appended_can_be_read_at_once_and_is_the_same,
            streams::an_event_of_a_mebibyte_comes_back_whole,
            conditions::a_condition_refuses_what_has_been_missed,
            conditions::a_condition_looks_only_behind_its_position,
            conditions::a_condition_asks_for_any_item_and_all_of_each,
            conditions::a_conditions_append_does_not_conflict_with_itself,
            idempotency::repeating_an_append_gives_the_same_answer_and_writes_nothing,
            idempotency::repeating_is_recognised_before_anything_is_checked,
            idempotency::ids_taken_together_with_others_are_refused,
            idempotency::an_id_taken_by_another_stream_is_refused,
            idempotency::concurrent_repetitions_are_recorded_once,
            idempotency::an_abandoned_append_is_recorded_once_or_not_at_all,
            reading::a_stream_reads_forwards_and_backwards_from_any_revision,
            reading::an_unknown_stream_is_empty,
            reading::everything_reads_by_position_in_pages,
            reading::queries_find_by_category_type_and_tag,
            reading::a_page_tells_how_far_it_looked,
            reading::a_read_behind_the_head_is_empty,
            reading::the_position_of_a_moment_is_the_last_before_it,
            subscriptions::a_subscription_catches_up_and_goes_live_without_a_gap_or_a_repeat,
            subscriptions::a_subscription_tells_when_it_has_caught_up,
            subscriptions::a_filtered_subscription_gets_what_matches_and_tells_how_far_it_is,
            subscriptions::a_slow_subscriber_never_blocks_a_writer,
            subscriptions::a_subscription_may_begin_anywhere,
            subscriptions::many_subscribers_get_everything,
            concurrency::sixteen_writers_leave_no_gap_and_keep_their_order,
            concurrency::of_those_who_expect_the_same_revision_one_wins,
            concurrency::counting_under_contention_loses_nothing,
            keeping::a_truncated_stream_keeps_its_end_and_its_count,
            keeping::truncation_keeps_the_last_event,
            keeping::truncated_events_are_gone_by_position_too,
            keeping::a_snapshot_replaces_the_one_before,
            limits::an_append_without_streams_is_refused,
            limits::a_stream_or_an_id_that_appears_twice_is_refused,
            limits::more_events_than_may_be_are_refused,
            limits::as_many_events_as_may_be_are_taken,
            limits::a_refused_append_leaves_nothing_behind,
            limits::a_category_that_cannot_be_is_refused_in_queries_and_conditions,
            reading::a_stream_without_a_dash_is_its_own_category,
        }
    };
    ($open:path; $($module:ident :: $check:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let Some(fixture) = Option::<$crate::conformance::Fixture>::from($open().await) else { return };
                let check = $crate::conformance::$module::$check(std::sync::Arc::clone(&fixture.store));
                tokio::time::timeout(std::time::Duration::from_secs(60), check).await.expect("the check hangs");
                drop(fixture);
            }
        )*
    };
}
