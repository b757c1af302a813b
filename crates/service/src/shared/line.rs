//! A connection that is made when it is needed, and again when it broke.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::Client;
use tradewind_store::{PostgresFailure, PostgresSession};

use super::SharedDatabase;

/// One connection, used by one at a time.
pub(crate) struct Line {
    /// What it is for.
    role: &'static str,
    session: Mutex<Option<PostgresSession>>,
}

impl Line {
    pub(super) fn new(role: &'static str) -> Self {
        Self { role, session: Mutex::default() }
    }

    /// Runs work on the connection, within bounds of time. What fails may have been done or not.
    pub(crate) async fn run<T>(
        &self,
        database: &SharedDatabase,
        within: Duration,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, PostgresFailure> {
        let mut session = self.session.lock().await;
        let working = async {
            let open = match session.take().filter(|open| !open.client().is_closed()) {
                Some(open) => open,
                None => Box::pin(database.connect(self.role, "")).await?,
            };
            let done = Box::pin(work(open.client())).await;
            // After a failure it may be in the middle of a transaction.
            if done.is_ok() {
                *session = Some(open);
            }
            done.map_err(PostgresFailure::from)
        };
        match tokio::time::timeout(within, Box::pin(working)).await {
            Ok(done) => done,
            Err(_) => {
                let problem = format!("PostgreSQL did not answer within {} s", within.as_secs_f32());
                Err(PostgresFailure { problem, state: None, passes: true })
            }
        }
    }
}
