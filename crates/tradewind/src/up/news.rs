//! All that `up` tells. Its JSON is for programs: kinds and fields may be added, and are never renamed.

use serde::Serialize;
use tradewind_events::{ErrorCode, Timestamp};
use tradewind_fleet::{FleetEvent, Output, ServiceName, ServiceStatus};

/// One thing to tell; in JSON one object on one line, its kind in `type`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum News {
    /// A build command begins.
    Building { command: String, services: Vec<ServiceName> },
    /// It has succeeded.
    Built { command: String, took_ms: u64 },
    /// The services are being started; from now on their addresses are known.
    Starting { services: Vec<ServiceStatus> },
    /// A line of a part that is not a service: `build`, `seed`, `gateway`.
    Log { at: Timestamp, service: &'static str, output: Output, text: String },
    /// Every service has been started, or given up.
    Up { gateway: String, pid: u32, open: Vec<Page>, services: Vec<ServiceStatus> },
    /// The seed waits for services that were given up, or wait for such ones.
    SeedWaiting { services: Vec<ServiceName> },
    /// The seed command begins.
    Seeding { command: String },
    /// It has ended.
    Seeded { ok: bool, took_ms: u64, reason: Option<String> },
    /// So many events were lost, because they came faster than they could be shown.
    Missed { events: u64 },
    /// Everything is being stopped.
    Stopping,
    /// Everything has stopped.
    Down,
    /// `up` cannot go on.
    Error { code: Option<ErrorCode>, message: String, help: String },
    /// Something happened to a service. In JSON it stands for itself.
    #[serde(untagged)]
    Fleet(FleetEvent),
}

/// A page for a person to open.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Page {
    /// What it is.
    pub(crate) label: String,
    /// Where it is.
    pub(crate) url: String,
}
