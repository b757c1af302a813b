//! What a gateway needs to know before it serves, and the limits it keeps.

use std::net::SocketAddr;
use std::time::Duration;

use tradewind_http::{Limits, Network, Tls};

use crate::AccessLog;

/// Where and how to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address to listen on; port 0 for any.
    pub listen: SocketAddr,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// What is put up with of clients' connections. How many may come from one address is no limit for those of this machine
    /// itself, and of trusted proxies.
    pub limits: Limits,
    /// The certificate to serve with; none to serve without TLS.
    pub tls: Option<Tls>,
    /// The proxies before it, which are believed what they say of a client, with `Forwarded` and `X-Forwarded-*`. Anybody
    /// else can send such headers too, and is not.
    pub trusted: Vec<Network>,
    /// From where metrics and the list of routes may be read, which tell where services are.
    pub operators: Vec<Network>,
    /// Where each request is logged; none for nowhere.
    pub access: Option<AccessLog>,
    /// What tells this system from another that had the same address before, in letters, digits and dashes: positions
    /// that clients were to remember of that one mean nothing in this.
    pub life: Box<str>,
}

/// Connections at once from one address, unless something else is said: some hundred people behind one router have fewer.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 1_000;

impl Options {
    /// What is put up with of clients' connections, unless something else is said.
    #[must_use]
    pub fn usual_limits() -> Limits {
        Limits { connections_per_address_max: CONNECTIONS_PER_ADDRESS_MAX, ..Limits::default() }
    }

    /// Listens somewhere, and is otherwise as most are.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            timeouts: Timeouts::default(),
            limits: Self::usual_limits(),
            tls: None,
            trusted: Vec::new(),
            operators: Self::this_machine(),
            access: None,
            life: Box::default(),
        }
    }
}

impl Options {
    /// The addresses by which a machine reaches itself.
    #[must_use]
    pub fn this_machine() -> Vec<Network> {
        ["127.0.0.0/8", "::1"].iter().filter_map(|network| network.parse().ok()).collect()
    }
}

/// How long things may take. Bodies have no limit of their own: a stream may live for days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a service to accept a connection.
    pub connect: Duration,
    /// For a service that cannot be reached to come back, before the client is told.
    pub unreachable: Duration,
    /// For a service to send the head of its answer, counted from the last piece of the request's body.
    pub response_head: Duration,
    /// How long the gateway says that it is not ready, and serves as before, when it is told to stop: whoever sends it
    /// requests, as a load balancer, looks whether it is ready only now and then.
    pub unready: Duration,
    /// For requests in flight to end when the gateway has stopped to take connections.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            unreachable: Duration::from_secs(2),
            response_head: Duration::from_secs(75),
            unready: Duration::ZERO,
            drain: Duration::from_secs(10),
        }
    }
}
