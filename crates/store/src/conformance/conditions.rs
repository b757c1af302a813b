//! Append conditions: rules over everything.

use tradewind_events::{AppendCondition, AppendError, ExpectedRevision, Position, Query};

use super::given::{Store, event, kind, put, tag, tagged, to};

async fn conflict(store: &Store, fail_if: Query, after: u64) -> Option<Position> {
    let append = to("probe-1", ExpectedRevision::Any, vec![event("Probe")])
        .provided(AppendCondition { fail_if, after: Position(after) });
    match store.append(append).await {
        Ok(_) => None,
        Err(AppendError::ConditionFailed { position }) => Some(position),
        Err(other) => panic!("{other:?}"),
    }
}

/// The first conflicting position is told, and nothing is written.
pub async fn a_condition_refuses_what_has_been_missed(store: Store) {
    put(&store, "order-1", vec![event("A"), tagged("B", &["product:7"])]).await;
    put(&store, "order-2", vec![tagged("B", &["product:7"])]).await;
    let query = || Query::tags([tag("product:7")]);
    assert_eq!(conflict(&store, query(), 0).await, Some(Position(2)));
    assert_eq!(conflict(&store, query(), 2).await, Some(Position(3)));
    assert_eq!(store.head().await.unwrap(), Position(3));
    assert_eq!(conflict(&store, query(), 3).await, None);
    assert_eq!(store.head().await.unwrap(), Position(4));
}

/// What the writer has seen does not matter.
pub async fn a_condition_looks_only_behind_its_position(store: Store) {
    put(&store, "order-1", vec![event("A"), event("B")]).await;
    assert_eq!(conflict(&store, Query::all(), 1).await, Some(Position(2)));
    assert_eq!(conflict(&store, Query::all(), 2).await, None);
    assert_eq!(conflict(&store, Query::category("order"), 2).await, None);
}

/// Queries mean in conditions what they mean in reads.
pub async fn a_condition_asks_for_any_item_and_all_of_each(store: Store) {
    put(&store, "order-1", vec![tagged("A", &["x", "y"])]).await;
    put(&store, "cart-1", vec![tagged("B", &["x"])]).await;
    assert_eq!(conflict(&store, Query::tags([tag("x"), tag("y")]), 0).await, Some(Position(1)));
    assert_eq!(conflict(&store, Query::types([kind("B"), kind("C")]), 0).await, Some(Position(2)));
    assert_eq!(conflict(&store, Query::category("cart"), 0).await, Some(Position(2)));
    let mut both = Query::types([kind("A")]);
    both.items[0].categories = vec!["cart".to_owned()];
    assert_eq!(conflict(&store, both.clone(), 0).await, None);
    let either = both.or(Query::tags([tag("y")]));
    assert_eq!(conflict(&store, either, 0).await, Some(Position(1)));
}

/// An append that would break its own condition for the next one is taken once.
pub async fn a_conditions_append_does_not_conflict_with_itself(store: Store) {
    let claim = |name: &str| {
        to(name, ExpectedRevision::None, vec![tagged("Claimed", &["seat:1"])])
            .provided(AppendCondition { fail_if: Query::tags([tag("seat:1")]), after: Position::START })
    };
    assert!(store.append(claim("booking-1")).await.is_ok());
    match store.append(claim("booking-2")).await {
        Err(AppendError::ConditionFailed { position }) => assert_eq!(position, Position(1)),
        other => panic!("{other:?}"),
    }
}
