//! One connection: made, told how its session is to be, and asked whether the database keeps what it acknowledges.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_postgres::error::Severity;
use tokio_postgres::{AsyncMessage, Client, SimpleQueryMessage, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::Failure;
use super::kinds::Kinds;
use super::streams::Streams;
use super::{PostgresOptions, PostgresUrl, tls};

/// PostgreSQL 15.
const VERSION_MIN: u32 = 150_000;

/// Sent first on every connection. Plans are made once and for good, so they must not depend on how few rows a new
/// store has: always by index. `remote_apply` stays, since it promises more than `on`; anything less does not. What a
/// role or a database may have as its own defaults is set back where the store relies on it: warnings must arrive, and
/// only the store's own limits end a wait. The server's end of the connection gives up on a client that reads nothing,
/// since an answer that cannot be sent holds the gate.
const SESSION: &str = "
    SET default_transaction_isolation = 'read committed';
    SET default_transaction_read_only = off;
    SET plan_cache_mode = force_generic_plan;
    SET jit = off;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET client_min_messages = warning;
    SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN
        ('lock_timeout', 'idle_session_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout');
    SELECT set_config('synchronous_commit',
        CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false);
    SELECT current_setting('server_version_num'), current_setting('server_encoding'), current_setting('fsync'),
        current_setting('full_page_writes');";

/// The function in which PostgreSQL waits for a synchronous standby. It warns when it gives that up.
const WAITS_FOR_STANDBY: &str = "SyncRepWaitForLSN";

/// The database of a store, and how it is reached.
pub(super) struct Server {
    pub(super) url: PostgresUrl,
    pub(super) options: PostgresOptions,
    tls: MakeRustlsConnect,
}

/// An open connection. Dropped, it is closed.
pub(super) struct Connection {
    pub(super) client: Client,
    statements: Mutex<HashMap<Box<str>, Statement>>,
    /// What numbers categories and types have: it goes with the connection, since after a failover they may differ.
    pub(super) kinds: Kinds,
    /// What the streams were like that it wrote to.
    pub(super) streams: Streams,
    /// Whether the server gave up waiting for a standby since this was last asked.
    gave_up_standby: Arc<AtomicBool>,
    driver: AbortHandle,
}

impl Server {
    pub(super) fn new(url: PostgresUrl, options: PostgresOptions) -> std::io::Result<Self> {
        let tls = tls::connector(url.trust())?;
        Ok(Self { url, options, tls })
    }

    /// Connects to whichever host takes writes. Notifications ring the bell.
    pub(super) async fn connect(&self, bell: Option<Arc<Notify>>) -> Result<Connection, Failure> {
        let within = self.options.connect_within;
        match tokio::time::timeout(within, self.connect_now(bell)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Away(format!("no connection within {} s", within.as_secs()))),
        }
    }

    async fn connect_now(&self, bell: Option<Arc<Notify>>) -> Result<Connection, Failure> {
        let (client, mut connection) = self.url.config().connect(self.tls.clone()).await?;
        let gave_up_standby = Arc::new(AtomicBool::new(false));
        let gives_up = Arc::clone(&gave_up_standby);
        let driver = tokio::spawn(async move {
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    Ok(AsyncMessage::Notification(_)) => {
                        if let Some(bell) = &bell {
                            bell.notify_one();
                        }
                    }
                    Ok(AsyncMessage::Notice(notice)) => {
                        if notice.parsed_severity() == Some(Severity::Warning) {
                            tracing::warn!("PostgreSQL warns: {}", notice.message());
                        }
                        // The name of the server's function, which is not translated, unlike the message.
                        if notice.routine() == Some(WAITS_FOR_STANDBY) {
                            gives_up.store(true, Ordering::Release);
                        }
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!("a connection to PostgreSQL broke: {error}");
                        break;
                    }
                }
            }
            // Whoever listens must look whether he still does.
            if let Some(bell) = bell {
                bell.notify_one();
            }
        });
        let connection = Connection {
            client,
            statements: Mutex::default(),
            kinds: Kinds::default(),
            streams: Streams::default(),
            gave_up_standby,
            driver: driver.abort_handle(),
        };
        let answer = connection.client.simple_query(SESSION).await?;
        self.check(&answer)?;
        let within = self.options.answer_within.as_millis();
        let limit = format!("SET statement_timeout = {within}; SET tcp_user_timeout = {within}");
        connection.client.batch_execute(&limit).await?;
        Ok(connection)
    }

    /// Whether the server is one that can be trusted with events.
    fn check(&self, answer: &[SimpleQueryMessage]) -> Result<(), Failure> {
        let row = answer.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let told = |index| row.and_then(|row| row.get(index)).unwrap_or_default();
        if told(0).parse::<u32>().unwrap_or_default() < VERSION_MIN {
            return Err(Failure::Refused(format!("version {} is too old: 15 is needed", told(0))));
        }
        if told(1) != "UTF8" {
            return Err(Failure::Refused(format!("the database's encoding is {}, not UTF8", told(1))));
        }
        for (index, setting) in [(2, "fsync"), (3, "full_page_writes")] {
            if told(index) != "on" && !self.url.unsafe_allowed() {
                return Err(Failure::Forgetful(format!(
                    "its setting {setting} is {}, so that it loses what it acknowledged when its machine fails; \
                     set it to on, or allow that with durability=unsafe in the URL",
                    told(index)
                )));
            }
        }
        Ok(())
    }
}

impl Connection {
    /// A statement, prepared on this connection when it is first used.
    pub(super) async fn prepared(&self, sql: &str) -> Result<Statement, Failure> {
        let known = self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.into(), statement.clone());
        Ok(statement)
    }

    /// Whether the server has given up a wait since this was last asked: what it committed meanwhile is committed here,
    /// but not on the synchronous standby, since somebody cancelled the wait for it.
    pub(super) fn take_given_up_standby(&self) -> bool {
        self.gave_up_standby.swap(false, Ordering::AcqRel)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
