//! One suite for every engine.

use std::sync::Arc;

use tradewind_store::conformance::Fixture;
use tradewind_testkit::memory_store::MemoryStore;

use crate::given::serve;

async fn memory() -> Fixture {
    Fixture { store: Arc::new(MemoryStore::new()), keep: Box::new(()) }
}

async fn http_over_memory() -> Fixture {
    let served = serve(Arc::new(MemoryStore::new())).await;
    Fixture { store: served.client(), keep: Box::new(served) }
}

mod in_memory {
    tradewind_store::conformance_tests!(super::memory);
}

mod over_http {
    tradewind_store::conformance_tests!(super::http_over_memory);
}
