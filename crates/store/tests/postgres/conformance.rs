//! The suite that every engine passes.

use tradewind_store::conformance::Fixture;
use tradewind_store::{OpenOptions, open};
use tradewind_testkit::servers::{Postgres, is_left_out};

async fn postgres() -> Option<Fixture> {
    if is_left_out("postgres") {
        return None;
    }
    let store = open(&Postgres::shared().fresh_url(), OpenOptions::default()).await.unwrap();
    Some(Fixture { store, keep: Box::new(()) })
}

mod in_postgres {
    tradewind_store::conformance_tests!(super::postgres);
}
