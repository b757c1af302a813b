//! Connections for what is no event store: read models, leases. They are reached, trusted and told apart as a store's
//! are, and otherwise planned for by PostgreSQL as it sees fit.

use std::io;
use std::time::Duration;

use tokio_postgres::Client;

use super::connect::{Connection, Server};
use super::failure::Failure;
use super::{PostgresOptions, PostgresUrl};

/// Takes back what only the store's own statements need.
const ORDINARY: &str = "
    RESET plan_cache_mode; RESET jit; RESET enable_seqscan; RESET enable_bitmapscan; RESET enable_hashjoin;
    RESET enable_mergejoin";

/// A database, and how it is reached.
pub struct PostgresDatabase {
    server: Server,
}

/// An open connection. Dropped, it is closed.
pub struct PostgresSession {
    connection: Connection,
}

/// Why the database did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{problem}")]
pub struct PostgresFailure {
    /// What is wrong.
    pub problem: String,
    /// The SQLSTATE, if it was the server that said it.
    pub state: Option<String>,
    /// Whether another moment, or another connection, may do.
    pub passes: bool,
}

impl PostgresDatabase {
    /// A database that is connected to when somebody needs it.
    ///
    /// # Errors
    /// If the certificates that the URL names cannot be read.
    pub fn new(url: PostgresUrl, options: PostgresOptions) -> io::Result<Self> {
        Ok(Self { server: Server::new(url, options)? })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &PostgresUrl {
        &self.server.url
    }

    /// A connection for `role`, by which people find it in the server's views, on which these statements have been run. The server ends a transaction on it in which nothing
    /// happens for so long: whoever holds up others must be at work.
    ///
    /// # Errors
    /// [`PostgresFailure`] says whether the database is away or refuses.
    pub async fn connect(
        &self,
        role: &str,
        settings: &str,
        idle_max: Duration,
    ) -> Result<PostgresSession, PostgresFailure> {
        let connection = self.server.connect(role, None).await?;
        let idle = idle_max.as_millis();
        let settings = format!("{ORDINARY}; SET idle_in_transaction_session_timeout = {idle}; {settings}");
        connection.client.batch_execute(&settings).await?;
        Ok(PostgresSession { connection })
    }
}

impl PostgresSession {
    /// The driver's client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.connection.client
    }
}

impl From<Failure> for PostgresFailure {
    fn from(failure: Failure) -> Self {
        Self { passes: failure.passes(), problem: failure.to_string(), state: None }
    }
}

impl From<tokio_postgres::Error> for PostgresFailure {
    fn from(error: tokio_postgres::Error) -> Self {
        let state = error.code().map(|code| code.code().to_owned());
        Self { state, ..Failure::from(error).into() }
    }
}
