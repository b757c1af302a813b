//! Real servers for tests: each with a port and a data folder of its own, started by the test's process and killed
//! with it, whatever way it ends.
//!
//! A server that is not installed fails the test with the line that installs it, unless the environment variable
//! `TRADEWIND_TEST_SKIP` names it: then [`is_left_out`] says so, and the test returns.

mod folder;
mod kafka;
mod nats;
mod objects;
mod postgres;
mod process;
mod rabbitmq;

pub use kafka::Kafka;
pub use nats::Nats;
pub use postgres::{Postgres, StopMode};
pub use process::{Process, free_port};
pub use rabbitmq::RabbitMq;

/// How a server is installed, if it is not: `kafka`, `nats`, `postgres`, `rabbitmq`.
#[must_use]
pub fn missing(server: &str) -> Option<&'static str> {
    match server {
        "kafka" if !Kafka::is_installed() => Some(Kafka::INSTALL),
        "nats" if !Nats::is_installed() => Some(Nats::INSTALL),
        "postgres" if !Postgres::is_installed() => Some(Postgres::INSTALL),
        "rabbitmq" if !RabbitMq::is_installed() => Some(RabbitMq::INSTALL),
        _ => None,
    }
}

/// Whether tests that need a server are to be left out.
#[must_use]
pub fn is_left_out(server: &str) -> bool {
    let skips = std::env::var("TRADEWIND_TEST_SKIP").unwrap_or_default();
    let left_out = skips.split(',').any(|skip| skip.trim() == server);
    if left_out {
        eprintln!("skipped: TRADEWIND_TEST_SKIP names {server}");
    }
    left_out
}
