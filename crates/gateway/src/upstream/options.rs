//! What an upstream needs to know, and the limits it keeps.

use std::sync::Arc;
use std::time::Duration;

use super::CallPolicy;

/// How a service's instances are spoken to, watched and spared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpstreamOptions {
    /// What is spoken with its instances.
    pub protocol: Protocol,
    /// The limits of connections to each instance.
    pub connections: ConnectionLimits,
    /// How instances are chosen.
    pub balance: Balance,
    /// Whether instances are asked how they are; if not, only their answers to requests tell.
    pub health: Option<HealthCheck>,
    /// When an instance is left out for what it did to requests.
    pub outliers: OutlierDetection,
    /// When nobody is let through to the service.
    pub breaker: BreakerOptions,
    /// How many requests may be sent once more.
    pub budget: RetryBudget,
    /// How it is called where nobody says it otherwise; none for as the gateway calls all.
    pub calls: Option<Arc<CallPolicy>>,
}

impl UpstreamOptions {
    /// Whether its instances need not be met anew when it is treated by the others.
    pub(super) fn are_met_alike(&self, others: &Self) -> bool {
        self.protocol == others.protocol
            && self.connections == others.connections
            && self.balance.decay == others.balance.decay
            && self.health == others.health
            && self.outliers.window == others.outliers.window
    }
}

/// What is spoken with instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// HTTP/1.1, a request at a time on each connection.
    #[default]
    Http1,
    /// HTTP/2 without TLS, by prior knowledge (RFC 9113 §3.3): many requests at once on one connection, as gRPC needs it.
    /// What is to become a WebSocket still goes over HTTP/1.1.
    H2c,
}

/// The limits of connections to one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections that may be open at once.
    pub at_most: usize,
    /// Idle connections that are kept.
    pub idle_at_most: usize,
    /// How long an idle one is kept. Services close theirs at some time too, Tradewind's own after 30 s; what closes first,
    /// if it is the gateway, costs nobody a second try.
    pub idle: Duration,
    /// Requests that may wait for a connection when all are in use.
    pub waiting_at_most: usize,
    /// How long one of them waits.
    pub wait: Duration,
    /// Requests at once on one HTTP/2 connection. If the service allows fewer, the others wait in it.
    pub streams_at_most: usize,
    /// Bytes of an answer's head. What comes in one piece with the last of them is put up with: up to twice as many may pass.
    pub head_bytes: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            at_most: 1_024,
            idle_at_most: 256,
            idle: Duration::from_secs(20),
            waiting_at_most: 1_024,
            wait: Duration::from_secs(1),
            streams_at_most: 128,
            head_bytes: 64 * 1_024,
        }
    }
}

/// How instances are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// How long a latency is remembered: after this time 37 % of its weight is left.
    pub decay: Duration,
    /// Latencies below this count as this: differences between them are the scheduler's as often as the instances',
    /// and who is slower under load has more under way, which counts in any case.
    pub noise: Duration,
    /// In what time an instance that is new, or comes back, grows from a tenth of its share to all of it. Zero: at once.
    pub slow_start: Duration,
    /// When no more than this part of the instances is in health, in percent, all are asked again: better a few that may be
    /// sick than all the load on the few that are well. With 0, only when none is left.
    pub panic_percent: u8,
}

impl Default for Balance {
    fn default() -> Self {
        Self {
            decay: Duration::from_secs(10),
            noise: Duration::from_millis(25),
            slow_start: Duration::ZERO,
            panic_percent: 0,
        }
    }
}

/// Instances are asked how they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked for with GET; in health is what answers with a status from 200 to 299.
    pub path: String,
    /// The time between two questions.
    pub interval: Duration,
    /// For the answer to be there.
    pub timeout: Duration,
    /// So many bad answers in succession, and it gets no requests.
    pub unhealthy_after: u32,
    /// So many good answers in succession, and it gets requests again.
    pub healthy_after: u32,
}

impl HealthCheck {
    /// Asks for this path, and is otherwise as most are.
    #[must_use]
    pub fn at(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            interval: Duration::from_secs(2),
            timeout: Duration::from_secs(1),
            unhealthy_after: 2,
            healthy_after: 2,
        }
    }
}

/// When an instance is ejected for a while: no connection, no answer, not in time, or 502, 503 or 504.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutlierDetection {
    /// So many failures in succession. Zero: never for this.
    pub consecutive: u32,
    /// This part of its requests within `window`, in percent. Over 100: never for this.
    pub percent: u8,
    /// Only if there were so many requests.
    pub minimum: u32,
    /// The time that `percent` is about.
    pub window: Duration,
    /// For how long it is ejected the first time; the second time twice as long, and so on.
    pub ejection: Duration,
    /// For how long at most.
    pub ejection_at_most: Duration,
    /// The part of the instances that may be ejected at once, in percent.
    pub ejected_percent: u8,
    /// Whether that may be all of them; else one is always left.
    pub may_eject_last: bool,
}

impl Default for OutlierDetection {
    fn default() -> Self {
        Self {
            consecutive: 5,
            percent: 50,
            minimum: 20,
            window: Duration::from_secs(10),
            ejection: Duration::from_secs(5),
            ejection_at_most: Duration::from_secs(300),
            ejected_percent: 50,
            may_eject_last: false,
        }
    }
}

/// When nobody is let through to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerOptions {
    /// Requests that may be under way at once, from the head of the request to the end of the answer.
    pub in_flight_at_most: usize,
    /// It opens when this part of the requests within `window` failed, in percent: no answer in spite of all tries, or
    /// 502 or 504. Over 100: it never opens.
    pub percent: u8,
    /// Only if there were so many requests.
    pub minimum: u32,
    /// The time that `percent` is about.
    pub window: Duration,
    /// How long it is open the first time; twice as long each time that the probes fail.
    pub open: Duration,
    /// How long at most.
    pub open_at_most: Duration,
    /// So many requests are let through then; it closes when all of them went well.
    pub probes: u32,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self {
            in_flight_at_most: 8_192,
            percent: 50,
            minimum: 20,
            window: Duration::from_secs(10),
            open: Duration::from_secs(1),
            open_at_most: Duration::from_secs(30),
            probes: 3,
        }
    }
}

/// How many requests may be sent once more, as retries or hedges, so that a service in trouble is not given more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryBudget {
    /// For every hundred requests of the last ten seconds, up to 1,000.
    pub percent: u16,
    /// And so many each second in any case.
    pub floor_per_second: u32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { percent: 20, floor_per_second: 10 }
    }
}
