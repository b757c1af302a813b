//! What Tradewind costs and how fast it is: `tradewind bench …`.
//!
//! Every figure stands beside the limit of the same machine, measured in the same run and in turns with it, since a
//! disk is not the same from one minute to the next. `measure` holds the tools; `store` has a file for each figure of
//! the embedded log; `http` goes through the store's server, `command` through a whole
//! service, and `postgres` to a database; `parking` is about what a reaction cannot handle; `gateway` stands beside nginx,
//! HAProxy and Varnish.
//! `docs/benchmarks.md` keeps the results. Comparisons with other engines live in `crates/peers`, which uses these
//! tools and is not part of the default build.

pub mod command;
mod error;
pub mod gateway;
pub mod http;
pub mod measure;
pub mod parking;
pub mod postgres;
pub mod store;

pub use error::BenchError;

/// What can be measured.
#[derive(Debug, clap::Subcommand)]
pub enum Bench {
    /// The embedded event log: appends, reads, replay, reopening, beside the raw disk
    Store(store::StoreBench),
    /// The event store over HTTP
    Http(http::HttpBench),
    /// Commands over HTTP: decided, durable, acknowledged, and seen in a read model
    Command(command::CommandBench),
    /// The event store in PostgreSQL, beside plain inserts on the same server
    Postgres(postgres::PostgresBench),
    /// A reaction with one poison event among many keys, beside the same without
    Parking(parking::ParkingBench),
    /// The gateway, beside nginx, HAProxy and Varnish: processor time a request, on one core each
    Gateway(gateway::GatewayBench),
    /// A process of `gateway`, which starts it
    #[command(hide = true)]
    GatewayProcess(gateway::GatewayProcess),
}

impl Bench {
    /// Measures, and shows the figures on standard output. It blocks for as long as that takes, and must be called
    /// outside of any asynchronous task.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn run(&self) -> Result<(), BenchError> {
        match self {
            Self::Store(bench) => bench.run(),
            Self::Http(bench) => bench.run(),
            Self::Command(bench) => bench.run(),
            Self::Postgres(bench) => bench.run(),
            Self::Parking(bench) => bench.run(),
            Self::Gateway(bench) => bench.run(),
            Self::GatewayProcess(process) => process.run(),
        }
    }
}
