//! What only a store in a folder promises.

use futures_util::StreamExt as _;
use tradewind_events::{
    Append, AppendCondition, AppendError, ErrorCode, EventStore, ExpectedRevision, Position, Query, ReadError,
};
use tradewind_store::{OpenError, OpenOptions, StoreUrl, open};

use crate::given::{event, fill, serve, to};

async fn folder(path: &std::path::Path) -> Result<std::sync::Arc<dyn EventStore>, OpenError> {
    open(&format!("file:{}", path.display()), OpenOptions::default()).await
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening_and_repeats_are_recognised() {
    let place = tempfile::tempdir().unwrap();
    let store = folder(place.path()).await.unwrap();
    fill(&*store, "a-1", 10).await;
    let mut append = to("a-2", vec![event("A"), event("B")]);
    append.streams[0].expected = ExpectedRevision::None;
    let first = store.append(append.clone()).await.unwrap();
    drop(store);
    let store = folder(place.path()).await.unwrap();
    assert_eq!(store.head().await.unwrap(), Position(12));
    let again = store.append(append).await.unwrap();
    assert_eq!((again.first, again.last, again.duplicate), (first.first, first.last, true));
    assert_eq!(store.read(Position::START, &Query::all(), 100).await.unwrap().events.len(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_drops_a_store_while_its_newest_events_are_handed_around_may_open_it_at_once() {
    let place = tempfile::tempdir().unwrap();
    for round in 0..50 {
        let store = folder(place.path()).await.unwrap_or_else(|error| panic!("round {round}: {error}"));
        let follower = store.subscribe(Position::START, Query::all()).await.unwrap();
        fill(&*store, "a-1", 1).await;
        drop((store, follower));
    }
}

#[tokio::test]
async fn a_folder_that_is_open_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let _store = folder(place.path()).await.unwrap();
    match folder(place.path()).await {
        Err(error) => assert_eq!(error.code(), ErrorCode::LOCKED, "{error}"),
        Ok(_) => panic!("opened twice"),
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_begun_only_if_that_is_wanted() {
    let place = tempfile::tempdir().unwrap();
    let nowhere = place.path().join("no/where");
    let options = OpenOptions { create: false, ..OpenOptions::default() };
    match open(&format!("file:{}", nowhere.display()), options).await {
        Err(error) => assert_eq!(error.code(), ErrorCode::NOT_A_STORE),
        Ok(_) => panic!("opened"),
    }
    assert!(!nowhere.exists());
    folder(&nowhere).await.unwrap();
    assert!(nowhere.exists());
}

#[test]
fn urls_say_which_engine_and_what_is_wrong() {
    let file = |path: &str| StoreUrl::File(path.into());
    for (text, expected) in [
        ("file:data", file("data")),
        ("file:/var/x", file("/var/x")),
        ("file:///var/x", file("/var/x")),
        ("http://host:1/a", StoreUrl::Http("http://host:1/a".to_owned())),
    ] {
        assert_eq!(text.parse::<StoreUrl>().unwrap(), expected);
    }
    for (text, hint) in [
        ("", "no scheme"),
        ("data", "write file:data"),
        ("file:", "names no folder"),
        ("https://x", "https is not spoken"),
        ("redis://x", "no engine speaks redis"),
    ] {
        let error = text.parse::<StoreUrl>().unwrap_err();
        assert_eq!(error.code().to_string(), "TW-1015");
        assert!(error.to_string().contains(hint), "{error}");
    }
    assert_eq!(StoreUrl::from_argument("./data").unwrap(), file("./data"));
    assert!(StoreUrl::from_argument("redis://x").is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_followers_of_different_kinds_get_each_their_events_once() {
    let place = tempfile::tempdir().unwrap();
    let store = folder(place.path()).await.unwrap();
    fill(&*store, "noise-1", 3).await;
    let mut followers = Vec::new();
    for n in 0..1_000_u64 {
        let query = if n % 2 == 0 { Query::all() } else { Query::category(format!("c{}", n % 5)) };
        let mut subscription = store.subscribe(Position(n % 4), query.clone()).await.unwrap();
        followers.push(tokio::spawn(async move {
            let (mut seen, mut through) = (Vec::new(), Position::START);
            while through < Position(203) {
                let delivery = subscription.next().await.unwrap().unwrap();
                through = delivery.through;
                seen.extend(delivery.events.iter().map(|event| event.position()));
                if n % 100 == 7 {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            }
            (n, query, seen)
        }));
    }
    for n in 0..100 {
        store.append(to(&format!("c{}-1", n % 5), vec![event("A"), event("B")])).await.unwrap();
    }
    let everything = store.read(Position::START, &Query::all(), 1_000).await.unwrap().events;
    for follower in followers {
        let (n, query, seen) = follower.await.unwrap();
        let wanted = everything.iter().filter(|event| event.position().0 > n % 4 && query.matches(event));
        assert_eq!(seen, wanted.map(|event| event.position()).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn more_bytes_and_larger_queries_than_may_be_are_refused_here_and_over_http() {
    let place = tempfile::tempdir().unwrap();
    let store = folder(place.path()).await.unwrap();
    let served = serve(store.clone()).await;
    for store in [store, served.client()] {
        let mut large = event("Large");
        large.data = format!("\"{}\"", "x".repeat(Append::BYTES_MAX)).into();
        let refused = store.append(to("a-1", vec![large])).await;
        assert!(matches!(refused, Err(AppendError::Invalid(_))), "{refused:?}");
        let item = Query::category("order").items.remove(0);
        let query = Query { items: vec![item; Query::ITEMS_MAX + 1] };
        let refused = store.read(Position::START, &query, 10).await;
        assert!(matches!(refused, Err(ReadError::Invalid(_))), "{refused:?}");
        assert!(matches!(store.subscribe(Position::START, query.clone()).await, Err(ReadError::Invalid(_))));
        let condition = AppendCondition { fail_if: query, after: Position::START };
        let refused = store.append(to("a-1", vec![event("A")]).provided(condition)).await;
        assert!(matches!(refused, Err(AppendError::Invalid(_))), "{refused:?}");
        let refused = store.read(Position::START, &Query::all(), 0).await;
        assert!(matches!(refused, Err(ReadError::Invalid(_))), "{refused:?}");
    }
}
