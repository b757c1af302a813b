//! What only a store in a folder promises.

use tradewind_events::{ErrorCode, EventStore, ExpectedRevision, Position, Query};
use tradewind_store::{OpenError, OpenOptions, StoreUrl, open};

use crate::given::{event, fill, to};

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
