//! What a fleet tells: events as they happen, and the present status.

use std::net::SocketAddr;

use serde::Serialize;
use tradewind_events::{ErrorCode, Timestamp};

use crate::Instance;

/// How an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for those that must be ready before it.
    Waiting,
    /// Its process runs and is not ready yet.
    Starting,
    /// It answers that it is ready.
    Ready,
    /// It fell and will be started again.
    Restarting,
    /// It fell too often and was given up. It is tried again now and then, and stays failed until it is ready.
    Failed,
    /// It was told to end.
    Draining,
    /// It has ended as it was told.
    Stopped,
}

impl State {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Restarting => "restarting",
            Self::Failed => "failed",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
        }
    }
}

/// One instance of a service at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceStatus {
    /// Which instance of which service.
    #[serde(flatten)]
    pub instance: Instance,
    /// How it is.
    pub state: State,
    /// Its process, while it has one; also while a failed one is tried again.
    pub pid: Option<u32>,
    /// Where it listens.
    pub address: SocketAddr,
    /// The same as a URL.
    pub url: String,
    /// How many times it was started again.
    pub restarts: u32,
    /// Why it is restarting or failed.
    pub reason: Option<String>,
    /// The stable code of that reason.
    pub code: Option<ErrorCode>,
    /// What it said last, when it is restarting or failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<String>,
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line that a process wrote.
#[derive(Debug, Clone, Serialize)]
pub struct LogLine {
    /// When it was read.
    pub at: Timestamp,
    /// Whose it is.
    #[serde(flatten)]
    pub instance: Instance,
    /// Where it came from.
    pub output: Output,
    /// The line without its end.
    pub text: String,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FleetEvent {
    /// A process was started.
    Started {
        /// When.
        at: Timestamp,
        /// Which instance of which service.
        #[serde(flatten)]
        instance: Instance,
        /// Its process.
        pid: u32,
        /// Where it will listen.
        address: SocketAddr,
    },
    /// A service is ready.
    Ready {
        /// When.
        at: Timestamp,
        /// Which instance of which service.
        #[serde(flatten)]
        instance: Instance,
        /// Its process.
        pid: u32,
        /// Where it listens.
        url: String,
        /// How long it took, in milliseconds.
        took_ms: u64,
    },
    /// A service that is ready did not say in time that it lives.
    Unanswered {
        /// When.
        at: Timestamp,
        /// Which instance of which service.
        #[serde(flatten)]
        instance: Instance,
        /// Its process.
        pid: u32,
        /// The how-manieth time in a row it is.
        failures: u32,
        /// So many end it.
        failures_max: u32,
        /// What came instead of an answer.
        problem: String,
    },
    /// A service ended unasked, did not get ready in time, hangs, or could not be started.
    Fell {
        /// When.
        at: Timestamp,
        /// Which instance of which service.
        #[serde(flatten)]
        instance: Instance,
        /// Its process, if it had one.
        pid: Option<u32>,
        /// What happened.
        reason: String,
    },
    /// It will be started again.
    Restarting {
        /// When.
        at: Timestamp,
        /// Which instance of which service.
        #[serde(flatten)]
        instance: Instance,
        /// The how-manieth restart it is.
        restarts: u32,
        /// How long until then, in milliseconds.
        delay_ms: u64,
    },
    /// It is given up, or was and has fallen again.
    Failed {
        /// When.
        at: Timestamp,
        /// Which instance of which service.
        #[serde(flatten)]
        instance: Instance,
        /// The stable code.
        code: ErrorCode,
        /// What happened.
        reason: String,
        /// What it said last.
        last_lines: Vec<String>,
        /// How long until it is tried again, in milliseconds.
        retry_ms: u64,
    },
    /// It was told to end.
    Draining {
        /// When.
        at: Timestamp,
        /// Which instance of which service.
        #[serde(flatten)]
        instance: Instance,
    },
    /// It has ended as it was told.
    Stopped {
        /// When.
        at: Timestamp,
        /// Which instance of which service.
        #[serde(flatten)]
        instance: Instance,
        /// Whether it had to be killed because it did not end in time.
        killed: bool,
    },
    /// It wrote a line.
    Log(LogLine),
}

impl FleetEvent {
    /// Whom it concerns.
    #[must_use]
    pub fn instance(&self) -> &Instance {
        match self {
            Self::Started { instance, .. }
            | Self::Ready { instance, .. }
            | Self::Unanswered { instance, .. }
            | Self::Fell { instance, .. }
            | Self::Restarting { instance, .. }
            | Self::Failed { instance, .. }
            | Self::Draining { instance, .. }
            | Self::Stopped { instance, .. } => instance,
            Self::Log(line) => &line.instance,
        }
    }
}
