//! What a source says that it told, and its archive, read again.

use tradewind_events::{EventSource, Position, Query};
use tradewind_http::wire::atom::{ArchiveError, read_archive_page};
use tradewind_http::wire::digest::{Digest, Told};
use tradewind_testkit::memory_store::MemoryStore;

use crate::reading::{filled, get, get_text, serve};

async fn digest_of(store: &MemoryStore, after: u64, through: u64) -> Digest {
    let mut digest = Digest::default();
    let page = store.read(Position(after), &Query::all(), 10_000).await.unwrap();
    page.events.iter().filter(|event| event.position().0 <= through).for_each(|event| digest.take(event));
    digest
}

#[tokio::test]
async fn a_digest_is_that_of_the_events_between_and_can_be_gone_on_with() {
    let store = filled(250).await;
    let url = serve(std::sync::Arc::new(store.clone())).await;
    let whole = get(&format!("{url}/digest?through=250")).await;
    let told: Told = serde_json::from_value(whole.json).unwrap();
    let ours = digest_of(&store, 0, 250).await;
    assert_eq!((told.count, &told.checksum, whole.position), (250, &ours.checksum(), Some(250)));

    let first: Told = serde_json::from_value(get(&format!("{url}/digest?through=100")).await.json).unwrap();
    let path = format!("{url}/digest?after=100&through=250&checksum={}", first.checksum);
    let rest: Told = serde_json::from_value(get(&path).await.json).unwrap();
    assert_eq!((first.count + rest.count, &rest.checksum), (250, &told.checksum));
    let other: Told = serde_json::from_value(get(&format!("{url}/digest?after=100&through=250")).await.json).unwrap();
    assert_ne!(other.checksum, told.checksum, "the order and the beginning count");
    let none: Told = serde_json::from_value(
        get(&format!("{url}/digest?through=250&query=%5B%7B%22types%22%3A%5B%22B%22%5D%7D%5D")).await.json,
    )
    .unwrap();
    assert_eq!((none.count, none.checksum), (0, Digest::default().checksum()));

    for refused in ["through=251", "through=x", "", "through=9&checksum=1", "through=9&query=x"] {
        let got = get(&format!("{url}/digest?{refused}")).await.json;
        assert_eq!(got["code"], "TW-1011", "{refused}: {got}");
    }
}

#[tokio::test]
async fn an_archive_page_is_read_as_it_was_written_and_a_damaged_one_is_not() {
    let store = filled(250).await;
    let url = serve(std::sync::Arc::new(store.clone())).await;
    let mut digest = Digest::default();
    for page in 1..=2 {
        let text = get_text(&format!("{url}/atom/all/{page}")).await;
        let read = read_archive_page(&text).unwrap();
        assert!(read.is_archive);
        assert_eq!(read.previous, (page == 2).then(|| "1".to_owned()));
        read.events.iter().for_each(|event| digest.take(event));
        let cut = &text[..text.len() - 20];
        assert!(matches!(read_archive_page(cut), Err(ArchiveError::CutShort | ArchiveError::Xml(_))));
        let broken = text.replacen("\"position\":", "\"position\":x", 1);
        assert!(matches!(read_archive_page(&broken), Err(ArchiveError::Entry { entry: 1, .. })));
    }
    assert_eq!(digest, digest_of(&store, 0, 200).await);
    assert!(!read_archive_page(&get_text(&format!("{url}/atom/all")).await).unwrap().is_archive);
}
