//! What a reaction or process manager remembers, in the shared database: in a schema of its own, so that it says the same
//! there as in a file. Only whoever holds the lease can change anything: each transaction begins by looking at its epoch.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::split::{Split, carry_over, holder_of_another};
use super::{SharedDatabase, Term, UNHURRIED};
use crate::sql::postgres::Session;
use crate::sql::{self, Error, Transaction, params};

/// How long finding or making the tables may take.
const WITHIN: Duration = Duration::from_secs(30);

/// A ledger that instances share.
pub(crate) struct SharedLedger {
    database: SharedDatabase,
    name: String,
    held: Mutex<Option<Held>>,
    /// None before it is connected, and after a failure.
    session: Arc<AsyncMutex<Option<Connected>>>,
}

/// A connection for one term.
pub(crate) struct Connected {
    session: Session,
    held: Held,
}

/// The connection, for as long as somebody uses it.
pub(crate) type InUse = OwnedMutexGuard<Option<Connected>>;

/// What its holder knows.
#[derive(Clone)]
struct Held {
    id: i64,
    epoch: i64,
    stop: CancellationToken,
    /// What is said on each connection, besides where its tables are.
    marks: String,
}

impl SharedLedger {
    pub(crate) fn new(database: SharedDatabase, name: String) -> Self {
        Self { database, name, held: Mutex::default(), session: Arc::default() }
    }

    /// Fences off whoever used it before, and makes its tables if it is new. If what there is of its `family` is another
    /// split, that is carried over first.
    pub(crate) async fn take_over(&self, term: &Term, family: &str, tables: &str, marks: &str) -> Result<(), String> {
        let s = self.database.schema();
        let epoch = term.epoch();
        let split = Split { schema: s, name: &self.name, family, tables, lease: term.name() };
        let work = async |client: &Client| {
            client.batch_execute("BEGIN").await?;
            carry_over(client, &split).await?;
            let insert = format!(
                "INSERT INTO {s}.ledgers (name, epoch) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET epoch = greatest(ledgers.epoch, excluded.epoch) RETURNING id, made"
            );
            let row = client.query_one(&insert, &[&self.name, &epoch]).await?;
            let (id, made): (i64, bool) = (row.try_get(0)?, row.try_get(1)?);
            if !made {
                split.make(client, id).await?;
            }
            client.batch_execute("COMMIT").await?;
            Ok(id)
        };
        if let Some(holder) = self
            .database
            .inner
            .catalogue
            .run(&self.database, WITHIN, async |client: &Client| holder_of_another(client, &split).await)
            .await
            .map_err(|failure| failure.problem)?
        {
            return Err(format!("{holder} works with another number of shares; this one waits until it is done"));
        }
        let id = self.database.inner.catalogue.run(&self.database, WITHIN, work).await;
        let id = id.map_err(|failure| failure.problem)?;
        let held = Held { id, epoch, stop: term.stop().clone(), marks: marks.to_owned() };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Ok(())
    }

    pub(crate) fn let_go(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // Whoever uses the connection just now is not waited for. The next term has another one.
        if let Ok(mut session) = self.session.try_lock() {
            *session = None;
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held().is_some()
    }

    fn held(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The connection, made if need be.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn connect(&self) -> Result<InUse, String> {
        let mut session = self.session.clone().lock_owned().await;
        let held = self.held().ok_or("another instance does this")?;
        if session.as_ref().is_none_or(|open| open.session.is_closed() || open.held.epoch != held.epoch) {
            *session = None;
            let own = format!("{}_l{}", self.database.schema(), held.id);
            let settings = format!("{UNHURRIED}; SET search_path TO {own}, pg_catalog; {}", held.marks);
            let connected = self
                .database
                .connect(&format!("ledger {}", self.name), &settings)
                .await
                .map_err(|failure| failure.problem)?;
            *session = Some(Connected { session: Session::new(connected), held });
        }
        Ok(session)
    }

    /// Runs work in a transaction; what it changes is kept only if nobody has taken the lease meanwhile.
    pub(crate) fn with<T>(
        &self,
        mut in_use: InUse,
        changes: bool,
        work: impl FnOnce(&Transaction<'_>) -> sql::Result<T>,
    ) -> sql::Result<T> {
        let Some(Connected { session, held }) = in_use.as_ref() else { return Err(elsewhere()) };
        let table = format!("{}.ledgers", self.database.schema());
        let fence = Fence { table, id: held.id, epoch: held.epoch, stop: &held.stop };
        let (outcome, is_fit) = transact(session, changes.then_some(&fence), work);
        if !is_fit {
            *in_use = None;
        }
        outcome
    }
}

/// The row that tells whether nobody has taken the lease.
pub(super) struct Fence<'a> {
    pub(super) table: String,
    pub(super) id: i64,
    pub(super) epoch: i64,
    /// Cancelled if somebody has.
    pub(super) stop: &'a CancellationToken,
}

/// Runs work in a transaction, behind a fence if it changes anything; tells, too, whether the connection may be used again.
pub(super) fn transact<T>(
    session: &Session,
    fence: Option<&Fence<'_>>,
    work: impl FnOnce(&Transaction<'_>) -> sql::Result<T>,
) -> (sql::Result<T>, bool) {
    session.afresh();
    let outcome = transact_once(session, fence, work);
    if outcome.is_ok() {
        return (outcome, true);
    }
    session.afresh();
    // A connection whose transaction cannot be ended is not used again.
    let is_fit = session.run("ROLLBACK").is_ok();
    (outcome, is_fit)
}

fn transact_once<T>(
    session: &Session,
    fence: Option<&Fence<'_>>,
    work: impl FnOnce(&Transaction<'_>) -> sql::Result<T>,
) -> sql::Result<T> {
    session.send("BEGIN")?;
    if let Some(Fence { table, id, epoch, stop }) = fence {
        let look = format!("UPDATE {table} SET epoch = epoch WHERE id = ?1 AND epoch = ?2");
        if session.execute_now(&look, params![id, epoch])? == 0 {
            stop.cancel();
            return Err(elsewhere());
        }
    }
    let done = work(&Transaction::on_postgres(session));
    if let Some((_, refused)) = session.take_refused() {
        return Err(refused);
    }
    let done = done?;
    session.run("COMMIT")?;
    Ok(done)
}

fn elsewhere() -> Error {
    Error::Postgres { problem: "another instance has taken it over".to_owned(), state: None, passes: true }
}
