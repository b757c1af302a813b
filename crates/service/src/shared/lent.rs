//! Connections for writing to read models, lent for a transaction each: there are many read models, and a database has few
//! connections.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{SharedDatabase, UNHURRIED};
use crate::projection::GenerationName;
use crate::sql::postgres::Session;

/// How many transactions of one instance write to read models at the same time; others wait.
const WRITERS_MAX: usize = 3;
/// How long one waits for its turn. Then it is tried again, as after any failure.
const TURN_MAX: Duration = Duration::from_secs(30);

/// The connections, and for which generation each was used last.
pub(super) struct Writers {
    idle: Mutex<Vec<(GenerationName, Session)>>,
    turns: Arc<Semaphore>,
}

impl Default for Writers {
    fn default() -> Self {
        Self { idle: Mutex::default(), turns: Arc::new(Semaphore::new(WRITERS_MAX)) }
    }
}

/// A connection whose statements are about the tables of one generation. Dropped, it is given back.
pub(crate) struct Lent {
    database: SharedDatabase,
    name: GenerationName,
    /// None if it is not to be used again.
    session: Option<Session>,
    _turn: OwnedSemaphorePermit,
}

impl SharedDatabase {
    /// A connection for one transaction.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn lend(&self, name: GenerationName) -> Result<Lent, String> {
        let writers = &self.inner.writers;
        let turn = tokio::time::timeout(TURN_MAX, writers.turns.clone().acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok);
        let turn = turn.ok_or_else(|| format!("no connection was free within {} s", TURN_MAX.as_secs()))?;
        let path = format!("SET search_path TO {}, pg_catalog", self.schema_of(name));
        let session = match writers.take(name) {
            Some((last, session)) if last == name => session,
            Some((_, session)) => {
                let asked = tokio::task::spawn_blocking(move || session.run(&path).map(|()| session));
                asked.await.map_err(|panic| panic.to_string())?.map_err(|error| error.to_string())?
            }
            None => {
                let connected = self.connect("read models", &format!("{path}; {UNHURRIED}")).await;
                Session::new(connected.map_err(|failure| failure.problem)?)
            }
        };
        session.about(name.generation as i64);
        Ok(Lent { database: self.clone(), name, session: Some(session), _turn: turn })
    }
}

impl Writers {
    /// One that was used for the same tables, if there is one, or else for others.
    fn take(&self, name: GenerationName) -> Option<(GenerationName, Session)> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, session)| !session.is_closed());
        match idle.iter().position(|(last, _)| *last == name) {
            Some(index) => Some(idle.swap_remove(index)),
            None => idle.pop(),
        }
    }
}

impl Lent {
    /// The connection; none if it broke.
    pub(super) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// It is not to be used again.
    pub(super) fn discard(&mut self) {
        self.session = None;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(session) = self.session.take().filter(|session| !session.is_closed()) {
            let mut idle = self.database.inner.writers.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push((self.name, session));
        }
    }
}
