//! Brokers, stores and topics of a test's own.

use std::sync::atomic::{AtomicU64, Ordering};

use tradewind_broker::{BrokerOptions, Topic};

/// A topic that no other test uses, also if they share a server.
pub(crate) fn fresh_topic() -> Topic {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Topic::new(&format!("topic-{}-{number}", std::process::id())).unwrap()
}

pub(crate) fn options() -> BrokerOptions {
    BrokerOptions { client_name: "a test".to_owned(), ..BrokerOptions::default() }
}
