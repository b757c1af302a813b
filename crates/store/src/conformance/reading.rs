//! Reads of streams and of everything.

use std::time::Duration;

use tradewind_events::{Direction, Position, Query, Revision, Timestamp};

use super::given::{Store, all, event, events, kind, positions, put, revisions, stream, tag, tagged, types};

/// Every start and both directions, with the end told.
pub async fn a_stream_reads_forwards_and_backwards_from_any_revision(store: Store) {
    use Direction::{Backward, Forward};
    put(&store, "other-1", events(3)).await;
    put(&store, "order-1", events(6)).await;
    put(&store, "order-10", events(2)).await;
    let cases: [(Revision, Direction, usize, &[u64], bool); 8] = [
        (Revision::FIRST, Forward, 10, &[0, 1, 2, 3, 4, 5], true),
        (Revision::FIRST, Forward, 4, &[0, 1, 2, 3], false),
        (Revision(4), Forward, 10, &[4, 5], true),
        (Revision(6), Forward, 10, &[], true),
        (Revision::END, Backward, 10, &[5, 4, 3, 2, 1, 0], true),
        (Revision::END, Backward, 2, &[5, 4], false),
        (Revision(2), Backward, 10, &[2, 1, 0], true),
        (Revision(0), Backward, 1, &[0], true),
    ];
    for (from, direction, limit, expected, end) in cases {
        let slice = store.read_stream(&stream("order-1"), from, direction, limit).await.unwrap();
        assert_eq!(revisions(&slice.events), expected, "{from} {direction:?} {limit}");
        assert_eq!((slice.last, slice.first), (Some(Revision(5)), Revision::FIRST));
        assert_eq!(slice.end, end, "{from} {direction:?} {limit}");
        assert!(slice.events.iter().all(|event| event.stream() == "order-1"));
    }
}

/// No stream is no error.
pub async fn an_unknown_stream_is_empty(store: Store) {
    put(&store, "order-1", events(1)).await;
    for direction in [Direction::Forward, Direction::Backward] {
        let slice = store.read_stream(&stream("order-2"), Revision::FIRST, direction, 10).await.unwrap();
        assert!(slice.events.is_empty() && slice.end);
        assert_eq!((slice.last, slice.first), (None, Revision::FIRST));
    }
}

/// Pages meet without a gap or a repeat.
pub async fn everything_reads_by_position_in_pages(store: Store) {
    for n in 0..25 {
        put(&store, &format!("s-{}", n % 4), events(3)).await;
    }
    let (mut after, mut seen) = (Position::START, Vec::new());
    loop {
        let page = store.read(after, &Query::all(), 7).await.unwrap();
        assert!(page.events.len() <= 7);
        assert_eq!(page.head, Position(75));
        seen.extend(positions(&page.events));
        if page.through >= page.head {
            break;
        }
        assert!(page.through > after);
        after = page.through;
    }
    assert_eq!(seen, (1..=75).collect::<Vec<_>>());
}

/// Each part of a query, and several.
pub async fn queries_find_by_category_type_and_tag(store: Store) {
    put(&store, "order-1", vec![tagged("A", &["x", "y"]), event("B")]).await;
    put(&store, "order", vec![tagged("A", &["x"])]).await;
    put(&store, "orders-1", vec![tagged("B", &["xy"])]).await;
    put(&store, "cart-order-1", vec![tagged("C", &["y"])]).await;
    let both = {
        let mut query = Query::category("order");
        query.items[0].types = vec![kind("A")];
        query.items[0].tags = vec![tag("y")];
        query
    };
    let cases: [(Query, &[u64]); 10] = [
        (Query::all(), &[1, 2, 3, 4, 5]),
        (Query::category("order"), &[1, 2, 3]),
        (Query::category("cart"), &[5]),
        (Query::category("nothing"), &[]),
        (Query::types([kind("A")]), &[1, 3]),
        (Query::types([kind("A"), kind("C")]), &[1, 3, 5]),
        (Query::tags([tag("x")]), &[1, 3]),
        (Query::tags([tag("x"), tag("y")]), &[1]),
        (both.clone(), &[1]),
        (both.or(Query::category("orders")).or(Query::types([kind("C")])), &[1, 4, 5]),
    ];
    for (query, expected) in cases {
        assert_eq!(positions(&all(&store, &query).await), expected, "{query:?}");
    }
}

/// However many there are, with types and tags besides, and also when its beginning is given up.
pub async fn a_stream_without_a_dash_is_its_own_category(store: Store) {
    for name in ["settings", "journal", "settings-1"] {
        put(&store, name, vec![tagged("A", &["x"]), event("B"), tagged("B", &["x", "y"])]).await;
    }
    let query = |types: &[&str], tags: &[&str]| {
        let mut query = Query::category("settings");
        query.items[0].types = types.iter().map(|name| kind(name)).collect();
        query.items[0].tags = tags.iter().map(|name| tag(name)).collect();
        query
    };
    let cases: [(Query, &[u64]); 7] = [
        (query(&[], &[]), &[1, 2, 3, 7, 8, 9]),
        (query(&["B"], &[]), &[2, 3, 8, 9]),
        (query(&[], &["x"]), &[1, 3, 7, 9]),
        (query(&["B"], &["y", "x"]), &[3, 9]),
        (query(&["C"], &[]), &[]),
        (Query::category("journal").or(query(&["A"], &[])), &[1, 4, 5, 6, 7]),
        (Query::types([kind("A")]), &[1, 4, 7]),
    ];
    for (query, expected) in cases {
        assert_eq!(positions(&all(&store, &query).await), expected, "{query:?}");
    }
    store.truncate(&stream("settings"), Revision(2)).await.unwrap();
    assert_eq!(positions(&all(&store, &query(&[], &[])).await), [3, 7, 8, 9]);
    assert_eq!(positions(&all(&store, &query(&[], &["x"])).await), [3, 7, 9]);
}

/// So that a reader of few events does not look at the others again.
pub async fn a_page_tells_how_far_it_looked(store: Store) {
    put(&store, "order-1", events(1)).await;
    put(&store, "noise-1", events(30)).await;
    put(&store, "order-1", events(1)).await;
    put(&store, "noise-1", events(30)).await;
    let query = Query::category("order");
    let page = store.read(Position::START, &query, 1).await.unwrap();
    assert_eq!(positions(&page.events), [1]);
    assert!((Position(1)..Position(32)).contains(&page.through));
    let mut after = page.through;
    while after < Position(62) {
        let page = store.read(after, &query, 10).await.unwrap();
        assert!(page.events.iter().all(|event| event.position() == Position(32)));
        assert_eq!(page.events.len() == 1, after < Position(32) && page.through >= Position(32));
        assert!(page.through > after);
        after = page.through;
    }
}

/// Nothing there is no error either.
pub async fn a_read_behind_the_head_is_empty(store: Store) {
    let page = store.read(Position::START, &Query::all(), 10).await.unwrap();
    assert!(page.events.is_empty());
    assert_eq!((page.through, page.head), (Position::START, Position::START));
    put(&store, "order-1", events(2)).await;
    for after in [2, 3, 1_000] {
        let page = store.read(Position(after), &Query::all(), 10).await.unwrap();
        assert!(page.events.is_empty());
        assert_eq!((page.through, page.head), (Position(after), Position(2)));
    }
}

/// By the store's own clock.
pub async fn the_position_of_a_moment_is_the_last_before_it(store: Store) {
    assert_eq!(store.position_at(Timestamp::from_micros(i64::MAX / 1_000_000)).await.unwrap(), Position::START);
    for name in ["a-1", "b-1", "a-1"] {
        put(&store, name, events(1)).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let events = all(&store, &Query::all()).await;
    assert_eq!(types(&events), ["E0", "E0", "E0"]);
    let before = Timestamp::from_micros(events[0].recorded_at().micros() - 1);
    assert_eq!(store.position_at(before).await.unwrap(), Position::START);
    for event in &events {
        assert_eq!(store.position_at(event.recorded_at()).await.unwrap(), event.position());
        let later = event.recorded_at().plus(Duration::from_millis(2));
        assert_eq!(store.position_at(later).await.unwrap(), event.position());
    }
    let far = "9000-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(store.position_at(far).await.unwrap(), Position(3));
}
