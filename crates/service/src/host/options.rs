//! How a service is run.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tradewind_http::Limits;

use crate::{CommandOptions, ParkingOptions, PastOptions, SharedDatabase};

/// How long a body may take, unless told.
pub(super) const BODY_WITHIN: Duration = Duration::from_secs(30);

/// How a service is run.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// The service's name: `ordering`.
    pub name: String,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its folder, for what is derived: read databases and checkpoints.
    pub folder: PathBuf,
    /// How commands are handled.
    pub commands: CommandOptions,
    /// How projections, reactions and process managers go about what they cannot handle.
    pub parking: ParkingOptions,
    /// How long a query waits for the position that it asks for.
    pub query_wait_max: Duration,
    /// Bounds on read models of the past.
    pub past: PastOptions,
    /// What is put up with of connections.
    pub limits: Limits,
    /// How long the body of a request may take.
    pub body_within: Duration,
    /// The most live streams and waiting long polls of its feed at once.
    pub live_max: usize,
    /// The database that this instance shares with others of the service; none, if it is the only one.
    pub shared: Option<SharedDatabase>,
    /// How long requests in flight may take when the service goes down.
    pub drain_max: Duration,
}

impl HostOptions {
    /// A service with the usual bounds.
    pub fn new(name: impl Into<String>, listen: SocketAddr, folder: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            listen,
            folder: folder.into(),
            commands: CommandOptions::default(),
            parking: ParkingOptions::default(),
            query_wait_max: Duration::from_secs(5),
            past: PastOptions::default(),
            limits: Limits::default(),
            body_within: BODY_WITHIN,
            live_max: 5_000,
            shared: None,
            drain_max: Duration::from_secs(10),
        }
    }
}

/// Why a service cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A projection cannot.
    #[error(transparent)]
    Projection(#[from] crate::ProjectionStartError),
    /// A reaction's or process manager's checkpoint cannot be used.
    #[error("the checkpoint of {name}: {problem}")]
    Ledger {
        /// The reaction or process manager.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Who acts on events must not act on a whole past at once.
    #[error("{0} cannot begin with a snapshot: only a projection can")]
    NoSnapshot(&'static str),
    /// What is said of the contracts is wrong.
    #[error("{0}")]
    Contracts(String),
    /// Two projections, reactions or process managers have the same name.
    #[error("there are two called {0}")]
    SameName(String),
    /// Its address cannot be listened on.
    #[error("failed to listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
}
