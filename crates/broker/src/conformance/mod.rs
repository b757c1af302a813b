//! What every broker must hold: one suite, run against each by [`conformance_tests!`](crate::conformance_tests).
//!
//! A check gets a broker with topics of its own and panics when a promise of the ports is broken. Checks are named as
//! those promises.

#![expect(clippy::unwrap_used, reason = "a check fails by panicking")]

pub mod consuming;
mod given;
pub mod publishing;

use std::any::Any;
use std::sync::Arc;

use futures_core::future::BoxFuture;
pub use given::{Given, event};

use crate::{Broker, BrokerError, Publisher, Topic};

/// Opens a publisher on a topic, again and again.
pub type OpenPublisher =
    Box<dyn Fn(Topic) -> BoxFuture<'static, Result<Box<dyn Publisher>, BrokerError>> + Send + Sync>;

/// A broker, and what has to live as long as it: a folder, a server.
pub struct Fixture {
    /// What consumers are opened at.
    pub broker: Arc<dyn Broker>,
    /// How something gets onto a topic: the broker's own publisher, or whatever stands for one.
    pub publisher: OpenPublisher,
    /// A topic that nobody has used.
    pub topic: Topic,
    /// Dropped after the check.
    pub keep: Box<dyn Any + Send>,
}

/// Makes each check of the suite a test of its own. `$open` is an `async fn() -> Option<Fixture>` that gives none if
/// the server is left out.
///
/// ```text
/// mod nats {
///     tradewind_broker::conformance_tests!(super::open_nats);
/// }
/// ```
#[macro_export]
macro_rules! conformance_tests {
    ($open:path) => {
        $crate::conformance_tests! { $open;
            publishing::a_published_event_comes_whole,
            publishing::a_batch_comes_in_order,
            publishing::a_new_publisher_knows_what_was_published_last,
            publishing::an_event_of_half_a_mebibyte_comes_whole,
            publishing::a_topic_without_consumers_takes_events,
            consuming::a_group_that_begins_at_the_beginning_gets_everything,
            consuming::a_group_that_begins_now_gets_what_comes,
            consuming::each_group_gets_its_own_copy,
            consuming::what_is_not_acknowledged_comes_again_in_order,
            consuming::what_is_acknowledged_does_not_come_again,
            consuming::a_group_keeps_what_comes_while_nobody_consumes,
            consuming::a_broken_off_wait_loses_nothing,
            consuming::topics_are_apart,
        }
    };
    ($open:path; $($module:ident :: $check:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let Some(fixture) = $open().await else { return };
                let (given, keep) = $crate::conformance::Given::new(fixture);
                let check = $crate::conformance::$module::$check(given);
                tokio::time::timeout(std::time::Duration::from_secs(60), check).await.expect("the check hangs");
                drop(keep);
            }
        )*
    };
}
