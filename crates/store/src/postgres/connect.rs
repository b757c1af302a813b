//! One connection: made, told how its session is to be, and asked whether the database keeps what it acknowledges.

use std::collections::HashMap;
use std::future::poll_fn;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_postgres::config::LoadBalanceHosts;
use tokio_postgres::error::Severity;
use tokio_postgres::{AsyncMessage, Client, Config, SimpleQueryMessage, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::Failure;
use super::hosts::Host;
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
    hosts: Vec<Host>,
    /// Which of them took the last connection, or is to be asked first.
    last: AtomicUsize,
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
        let hosts = Host::all(url.config(), options.silent_max);
        let first = match url.config().get_load_balance_hosts() {
            LoadBalanceHosts::Random => RandomState::new().hash_one(0_u8) as usize % hosts.len().max(1),
            _ => 0,
        };
        Ok(Self { url, options, tls, hosts, last: AtomicUsize::new(first) })
    }

    /// Connects to whichever host takes writes, and asks the one first that did last. Each has a share of the time, so
    /// that one that is silent does not keep the others from being asked. Notifications ring the bell. `role` is what the
    /// connection is for, by which people find it in the server's views.
    pub(super) async fn connect(&self, role: &str, bell: Option<Arc<Notify>>) -> Result<Connection, Failure> {
        let name = self.url.application_name(role);
        let until = Instant::now() + self.options.connect_within;
        let (first, count) = (self.last.load(Ordering::Relaxed), self.hosts.len());
        let mut failures = Vec::with_capacity(count);
        for turn in 0..count {
            let index = (first + turn) % count;
            let host = &self.hosts[index];
            match self.connect_to(host, &name, share(until, count - turn), bell.as_ref()).await {
                Ok(connection) => {
                    self.last.store(index, Ordering::Relaxed);
                    return Ok(connection);
                }
                Err(failure) => failures.push((host, failure)),
            }
        }
        Err(of_all(failures))
    }

    /// What a server answers, unless it is silent for longer than it may take.
    pub(super) async fn answered<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let within = self.options.silence();
        let answer = tokio::time::timeout(within, work).await;
        answer.unwrap_or_else(|_| Err(Failure::Slow(format!("silence for {} s", within.as_secs()))))
    }

    async fn connect_to(
        &self,
        host: &Host,
        name: &str,
        until: Instant,
        bell: Option<&Arc<Notify>>,
    ) -> Result<Connection, Failure> {
        let begun = Instant::now();
        let late = |_| Failure::Away(format!("no connection within {:.1} s", begun.elapsed().as_secs_f64()));
        let addresses = tokio::time::timeout_at(until, host.addresses()).await.map_err(late)?;
        let addresses = addresses.map_err(|error| Failure::Away(error.to_string()))?;
        let mut failure = Failure::Away("its name has no address".to_owned());
        let count = addresses.len();
        for (turn, mut address) in addresses.into_iter().enumerate() {
            address.application_name(name);
            let until = share(until, count - turn);
            match tokio::time::timeout_at(until, self.connect_with(&address, bell.cloned())).await.map_err(late) {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(this)) | Err(this) => failure = this,
            }
        }
        Err(failure)
    }

    async fn connect_with(&self, config: &Config, bell: Option<Arc<Notify>>) -> Result<Connection, Failure> {
        let (client, mut connection) = config.connect(self.tls.clone()).await?;
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

/// When the next of `count` has to be done, who share the time until then.
fn share(until: Instant, count: usize) -> Instant {
    let now = Instant::now();
    now + until.saturating_duration_since(now) / u32::try_from(count).unwrap_or(u32::MAX).max(1)
}

/// What all hosts together say. As long as one of them may come back, it is worth waiting for.
fn of_all(mut failures: Vec<(&Host, Failure)>) -> Failure {
    if failures.len() == 1 {
        return failures.remove(0).1;
    }
    let told: Vec<String> = failures.iter().map(|(host, failure)| format!("{}: {failure}", host.place)).collect();
    let refused = failures.iter().all(|(_, failure)| !failure.passes());
    match failures.into_iter().next() {
        Some((_, failure)) if refused => failure,
        _ => Failure::Away(told.join("; ")),
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
