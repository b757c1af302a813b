//! Slots are emptied as a whole, once everybody has what is in them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tradewind_events::{EventSource, Position, Query, ReadError};
use tradewind_outbox::postgres::OutboxOptions;
use tradewind_testkit::servers::is_left_out;

use crate::given::{Bank, Heard, client, options, server, stamp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_everybody_has_is_emptied() {
    if is_left_out("postgres") {
        return;
    }
    let port = server().await.port();
    let options = OutboxOptions {
        slot_bits: 6,
        keep_positions: 10,
        rotate_every: Duration::from_millis(100),
        lease_for: Duration::from_millis(600),
        ..options()
    };
    let schema = options.schema.clone();
    let bank = Bank::open(port, options, 40).await;
    let (stamping, client) = (stamp(&bank.outbox), client(port).await);
    let rows = async || {
        let sql = format!("SELECT (SELECT count(*) FROM {schema}.messages), (SELECT count(*) FROM {schema}.stamps)");
        let row = client.query_one(&sql, &[]).await.unwrap();
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    };
    let source: Arc<dyn EventSource> = Arc::new(bank.outbox.source());
    let (mut heard, mut committed) = (Heard::default(), 0);
    // Many times around the eight slots.
    for _ in 0..6 {
        committed += bank.sixteen_write(20).await;
        heard = heard.until(Arc::clone(&source), committed).await;
        source.handled("reader", heard.position);
    }
    // What is left: the slot that is written to, its neighbours, and what is to be kept.
    let begun = Instant::now();
    while rows().await.1 > 3 * 64 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?} of {committed} are left", rows().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(committed > 1_000 && rows().await.0 < committed as i64 / 2, "{:?} of {committed}", rows().await);
    let gone = source.read(Position::START, &Query::all(), 10).await;
    assert!(matches!(gone, Err(ReadError::Invalid(_))), "{gone:?}");
    // And it goes on.
    committed += bank.sixteen_write(20).await;
    heard.until(source, committed).await;
    stamping.stop().await;
}

/// Without anybody who has handled it, nothing goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_lacks_is_kept() {
    if is_left_out("postgres") {
        return;
    }
    let options = OutboxOptions {
        slot_bits: 4,
        keep_positions: 0,
        rotate_every: Duration::from_millis(50),
        lease_for: Duration::from_millis(600),
        ..options()
    };
    let bank = Bank::open(server().await.port(), options, 40).await;
    let (stamping, source) = (stamp(&bank.outbox), bank.outbox.source());
    source.handled("quick", Position(u64::MAX >> 1));
    source.handled("slow", Position::START);
    let committed = bank.sixteen_write(40).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    Heard::default().until(Arc::new(source), committed).await;
    stamping.stop().await;
}
