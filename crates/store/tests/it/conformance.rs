//! One suite for every engine.

use std::sync::Arc;

use tradewind_store::conformance::Fixture;
use tradewind_store::{OpenOptions, open};
use tradewind_testkit::memory_store::MemoryStore;

use crate::given::serve;

async fn memory() -> Fixture {
    Fixture { store: Arc::new(MemoryStore::new()), keep: Box::new(()) }
}

async fn http_over_memory() -> Fixture {
    let served = serve(Arc::new(MemoryStore::new())).await;
    Fixture { store: served.client(), keep: Box::new(served) }
}

async fn file() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&format!("file:{}", folder.path().display()), small()).await.unwrap();
    Fixture { store, keep: Box::new(folder) }
}

async fn http_over_file() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&format!("file:{}", folder.path().display()), small()).await.unwrap();
    let served = serve(store).await;
    let client = open(&served.url(), OpenOptions::default()).await.unwrap();
    Fixture { store: client, keep: Box::new((served, folder)) }
}

/// Segments that are made quickly, and large enough for the largest append.
fn small() -> OpenOptions {
    let mut options = OpenOptions::default();
    options.log.segment_bytes = 32 << 20;
    options
}

mod in_memory {
    tradewind_store::conformance_tests!(super::memory);
}

mod over_http_in_memory {
    tradewind_store::conformance_tests!(super::http_over_memory);
}

mod in_a_folder {
    tradewind_store::conformance_tests!(super::file);
}

mod over_http_in_a_folder {
    tradewind_store::conformance_tests!(super::http_over_file);
}
