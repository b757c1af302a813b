//! The Atom feed, as a reader that knows nothing of Tradewind follows it.

use std::collections::BTreeSet;
use std::sync::Arc;

use tradewind_events::{EventStore, EventType, Revision, StreamId};
use tradewind_testkit::memory_store::MemoryStore;

use crate::given::{Served, ask, event, fill, get, serve, to};

fn link<'a>(document: &'a str, relation: &str) -> Option<&'a str> {
    let link = document.split("<link ").find(|link| link.starts_with(&format!("rel=\"{relation}\"")))?;
    link.split("href=\"").nth(1)?.split('"').next()
}

fn entries(document: &str) -> Vec<String> {
    document.split("<entry>").skip(1).map(|entry| entry.split("<id>").nth(1).unwrap()[..45].to_owned()).collect()
}

/// Resolves a relative reference (RFC 3986, 5.2) as far as the feed uses it.
fn resolve(base: &str, reference: &str) -> String {
    let mut folder: Vec<_> = base.rsplit_once('/').unwrap().0.split('/').collect();
    let mut rest = reference;
    while let Some(up) = rest.strip_prefix("../") {
        folder.pop();
        rest = up;
    }
    format!("{}/{rest}", folder.join("/"))
}

/// Every entry that is reached from the newest page backwards, and how many documents it took.
async fn walk(served: &Served, feed: &str) -> (BTreeSet<String>, usize) {
    let (mut url, mut seen, mut documents) = (format!("{}/feed/{feed}", served.url()), BTreeSet::new(), 0);
    loop {
        let answer = get(&url).await;
        assert_eq!(answer.status, 200, "{url}");
        for entry in entries(&answer.body) {
            assert!(seen.insert(entry), "an entry in two pages");
        }
        documents += 1;
        match link(&answer.body, "prev-archive") {
            Some(previous) => url = resolve(&url, previous),
            None => return (seen, documents),
        }
    }
}

#[tokio::test]
async fn the_archives_hold_every_event_once() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    let (seen, documents) = walk(&served, "all").await;
    assert_eq!((seen.len(), documents), (0, 1));
    for (count, pages) in [(99, 1), (1, 2), (1, 2), (150, 3), (49, 4)] {
        fill(&*store, "order-1", count).await;
        let (seen, documents) = walk(&served, "all").await;
        let all: BTreeSet<_> = store.everything().iter().map(|event| format!("urn:uuid:{}", event.id())).collect();
        assert_eq!(seen, all);
        assert_eq!(documents, pages);
    }
}

#[tokio::test]
async fn empty_pages_of_a_category_are_passed_over() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    fill(&*store, "order-1", 3).await;
    fill(&*store, "noise-1", 2_340).await;
    fill(&*store, "order-2", 2).await;
    fill(&*store, "noise-1", 800).await;
    let (seen, documents) = walk(&served, "order").await;
    assert_eq!((seen.len(), documents), (5, 3));
    assert_eq!(walk(&served, "unknown").await, (BTreeSet::new(), 1));
}

#[tokio::test]
async fn an_archived_page_never_changes_and_may_be_kept_for_ever() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    fill(&*store, "order-1", 120).await;
    let url = format!("{}/feed/order/1", served.url());
    let first = get(&url).await;
    assert_eq!(first.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(first.header("content-type"), "application/atom+xml; charset=utf-8");
    assert!(first.body.contains("<fh:archive/>"));
    assert_eq!(link(&first.body, "current"), Some("../order"));
    fill(&*store, "order-2", 500).await;
    let later = get(&url).await;
    assert_eq!((later.body, later.headers.get("etag")), (first.body.clone(), first.headers.get("etag")));
    let known = ask("GET", &url, &[("if-none-match", &format!("\"x\", W/{}", first.header("etag")))], "").await;
    assert_eq!((known.status, known.body.as_str(), known.header("etag")), (304, "", first.header("etag")));
    for page in ["0", "7", "x", "99999999999999999999"] {
        assert_eq!(get(&format!("{}/feed/order/{page}", served.url())).await.status, 404, "{page}");
    }
}

#[tokio::test]
async fn the_newest_page_changes_its_tag_when_it_changes() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    fill(&*store, "order-1", 1).await;
    let url = format!("{}/feed/all", served.url());
    let first = get(&url).await;
    let tag = first.header("etag").to_owned();
    assert_eq!(first.header("cache-control"), "no-cache");
    assert_eq!(ask("GET", &url, &[("if-none-match", &tag)], "").await.status, 304);
    fill(&*store, "order-1", 1).await;
    assert_eq!(ask("GET", &url, &[("if-none-match", &tag)], "").await.status, 200);
}

#[tokio::test]
async fn truncated_events_leave_the_feed_and_nothing_else() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    fill(&*store, "order-1", 150).await;
    fill(&*store, "order-2", 150).await;
    store.truncate(&StreamId::new("order-1").unwrap(), Revision(120)).await.unwrap();
    assert_eq!(walk(&served, "order").await.0.len(), 180);
}

#[tokio::test]
async fn whatever_an_event_says_the_document_is_xml() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    let mut strange = event("A");
    strange.event_type = EventType::new("<A>&\"'\u{fffe}").unwrap();
    strange.data = "{\"a\":\"]]>&amp;<b>\u{ffff}\"}".into();
    store.append(to("ordér-<1>&", vec![strange])).await.unwrap();
    let document = get(&format!("{}/feed/ord%C3%A9r", served.url())).await.body;
    assert!(document.contains("term=\"&lt;A&gt;&amp;&quot;'\u{fffd}\""), "{document}");
    assert!(document.contains("]]&gt;&amp;amp;&lt;b&gt;\\uffff"), "{document}");
    assert_eq!(link(&document, "self"), Some("ord%C3%A9r"));
    assert!(!document.contains(['\u{fffe}', '\u{ffff}']));
}
