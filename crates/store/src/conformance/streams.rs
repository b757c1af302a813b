//! Streams: revisions, expectations, several at once, and what comes back.

use std::collections::BTreeMap;

use tradewind_events::{
    Append, AppendError, ExpectedRevision, Metadata, Position, Query, Revision, StreamAppend, Timestamp,
};

use super::given::{Store, all, event, events, positions, put, revisions, stream, stream_of, tag, tagged, to};

/// The first event of all.
pub async fn a_new_stream_begins_at_revision_zero_and_position_one(store: Store) {
    assert_eq!(store.head().await.unwrap(), Position::START);
    let appended = store.append(to("order-1", ExpectedRevision::None, vec![event("A")])).await.unwrap();
    assert_eq!((appended.first, appended.last), (Position(1), Position(1)));
    assert_eq!(appended.revisions, [Some(Revision::FIRST)]);
    assert!(!appended.duplicate);
    assert_eq!(store.head().await.unwrap(), Position(1));
}

/// Two counts that do not disturb each other.
pub async fn revisions_count_in_the_stream_and_positions_in_the_store(store: Store) {
    put(&store, "a-1", events(2)).await;
    put(&store, "b-1", events(3)).await;
    let appended = put(&store, "a-1", events(2)).await;
    assert_eq!((appended.first, appended.last), (Position(6), Position(7)));
    assert_eq!(appended.revisions, [Some(Revision(3))]);
    let events = stream_of(&store, "a-1").await;
    assert_eq!(revisions(&events), [0, 1, 2, 3]);
    assert_eq!(positions(&events), [1, 2, 6, 7]);
    assert_eq!(positions(&all(&store, &Query::all()).await), [1, 2, 3, 4, 5, 6, 7]);
}

/// Every expectation, held and broken, with the actual revision told.
pub async fn expected_revisions_decide_who_may_append(store: Store) {
    use ExpectedRevision::{Any, Exactly, Exists, None as Nothing};
    let at = |revision| Exactly(Revision(revision));
    let cases = [
        ("order-1", Exists, Err(None)),
        ("order-1", at(0), Err(None)),
        ("order-1", Nothing, Ok(0)),
        ("order-1", Nothing, Err(Some(0))),
        ("order-1", Exists, Ok(1)),
        ("order-1", at(0), Err(Some(1))),
        ("order-1", at(2), Err(Some(1))),
        ("order-1", at(1), Ok(2)),
        ("order-1", Any, Ok(3)),
        ("order-2", Any, Ok(0)),
    ];
    for (name, expected, outcome) in cases {
        match (store.append(to(name, expected, vec![event("A")])).await, outcome) {
            (Ok(appended), Ok(revision)) => assert_eq!(appended.revisions, [Some(Revision(revision))]),
            (Err(AppendError::WrongRevision { stream, expected: told, actual }), Err(revision)) => {
                assert_eq!((stream.as_str(), told, actual), (name, expected, revision.map(Revision)));
            }
            (other, _) => panic!("{name} {expected}: {other:?}, not {outcome:?}"),
        }
    }
    assert_eq!(store.head().await.unwrap(), Position(5));
}

/// One broken expectation refuses everything; otherwise all events take one run of positions.
pub async fn an_append_to_several_streams_is_all_or_nothing(store: Store) {
    put(&store, "stock-7", events(1)).await;
    let part = |name: &str, expected, events| StreamAppend { stream: stream(name), expected, events };
    let refused = Append {
        streams: vec![
            part("order-1", ExpectedRevision::None, events(2)),
            part("stock-7", ExpectedRevision::Exactly(Revision(4)), events(1)),
        ],
        condition: None,
    };
    assert!(matches!(store.append(refused).await, Err(AppendError::WrongRevision { .. })));
    assert!(stream_of(&store, "order-1").await.is_empty());
    let taken = Append {
        streams: vec![
            part("order-1", ExpectedRevision::None, events(2)),
            part("stock-7", ExpectedRevision::Exactly(Revision(0)), events(1)),
        ],
        condition: None,
    };
    let appended = store.append(taken).await.unwrap();
    assert_eq!((appended.first, appended.last), (Position(2), Position(4)));
    assert_eq!(appended.revisions, [Some(Revision(1)), Some(Revision(1))]);
    assert_eq!(positions(&stream_of(&store, "order-1").await), [2, 3]);
    assert_eq!(positions(&stream_of(&store, "stock-7").await), [1, 4]);
}

/// A stream that was read but is not written.
pub async fn a_part_without_events_only_checks_its_stream(store: Store) {
    put(&store, "customer-1", events(2)).await;
    let append = |revision| Append {
        streams: vec![
            StreamAppend {
                stream: stream("customer-1"),
                expected: ExpectedRevision::Exactly(Revision(revision)),
                events: vec![],
            },
            StreamAppend { stream: stream("order-1"), expected: ExpectedRevision::None, events: events(1) },
        ],
        condition: None,
    };
    assert!(matches!(store.append(append(0)).await, Err(AppendError::WrongRevision { .. })));
    let appended = store.append(append(1)).await.unwrap();
    assert_eq!(appended.revisions, [Some(Revision(1)), Some(Revision(0))]);
    assert_eq!(store.head().await.unwrap(), Position(3));
}

/// Every part of an event, by stream and by position.
pub async fn what_is_appended_can_be_read_at_once_and_is_the_same(store: Store) {
    let mut full = tagged("Bestellt\"\\é", &["product:7", "größe:ü"]);
    full.time = "1969-12-31T23:59:58.999999Z".parse().unwrap();
    full.data = r#"{"text":"line\nbreak \u0000 \"quoted\" € 𝄞","n":[0.1,-2e10,null,true],"o":{"a":{}}}"#.into();
    full.metadata = Metadata {
        schema_version: 3,
        correlation_id: Some("c".into()),
        causation_id: Some("d \"x\"".into()),
        actor: Some("ann".into()),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        tracestate: Some("a=1,b=2".into()),
        extensions: BTreeMap::from([("shop".to_owned(), "Köln".to_owned())]),
    };
    let mut plain = event("Plain");
    plain.data = "null".into();
    put(&store, "order-ü/1?&=%20", vec![full.clone(), plain.clone()]).await;
    let by_stream = stream_of(&store, "order-ü/1?&=%20").await;
    let by_position = all(&store, &Query::tags([tag("größe:ü")])).await;
    assert_eq!(by_stream[0].to_event().unwrap(), full);
    assert_eq!(by_stream[1].to_event().unwrap(), plain);
    assert_eq!(by_stream[0], by_position[0]);
    assert_eq!(by_stream[0].stream(), "order-ü/1?&=%20");
    assert_eq!(by_stream[0].category(), "order");
    assert!(by_stream[0].recorded_at() > Timestamp::EPOCH);
    assert!(by_stream[1].recorded_at() >= by_stream[0].recorded_at());
}

/// No buffer on the way is too small.
pub async fn an_event_of_a_mebibyte_comes_back_whole(store: Store) {
    let mut large = event("Large");
    large.data = format!("\"{}\"", "abcdefgh".repeat(1 << 17)).into();
    put(&store, "blob-1", vec![event("Small"), large.clone(), event("Small")]).await;
    assert_eq!(stream_of(&store, "blob-1").await[1].to_event().unwrap(), large);
}
