//! How the outbox's own connections are made: as the service makes its own.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Socket};

use crate::OutboxError;

/// The session of such a connection. Every statement must see what was committed before it; plans go by index, however
/// few rows there were when they were made.
const SESSION: &str = "
    SET default_transaction_isolation = 'read committed';
    SET default_transaction_read_only = off;
    SET synchronous_commit = on;
    SET plan_cache_mode = force_generic_plan;
    SET jit = off;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET lock_timeout = 0;";

type Connecting = BoxFuture<'static, Result<(Client, AbortHandle), tokio_postgres::Error>>;

/// Makes connections to one database.
#[derive(Clone)]
pub struct Connector {
    connect: Arc<dyn Fn(Arc<Notify>) -> Connecting + Send + Sync>,
    connect_within: Duration,
    answer_within: Duration,
}

/// A connection that is closed when it is dropped.
pub(super) struct Connection {
    pub(super) client: Client,
    driver: AbortHandle,
}

impl Connector {
    /// Connections as `config` says, over TLS as `tls` makes it; `tokio_postgres::NoTls` makes none.
    pub fn new<T>(config: Config, tls: T) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let connect = move |bell: Arc<Notify>| -> Connecting {
            let (config, tls) = (config.clone(), tls.clone());
            Box::pin(async move {
                let (client, mut connection) = config.connect(tls).await?;
                let driver = tokio::spawn(async move {
                    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                        if matches!(message, AsyncMessage::Notification(_)) {
                            bell.notify_one();
                        }
                    }
                    // Who listens must look whether he still does.
                    bell.notify_one();
                });
                Ok((client, driver.abort_handle()))
            })
        };
        Self {
            connect: Arc::new(connect),
            connect_within: Duration::from_secs(5),
            answer_within: Duration::from_secs(10),
        }
    }

    /// The same with other limits: how long a connection may take to be made, and one answer.
    #[must_use]
    pub fn within(mut self, connect: Duration, answer: Duration) -> Self {
        (self.connect_within, self.answer_within) = (connect, answer);
        self
    }

    /// Notifications ring the bell.
    pub(super) async fn connect(&self, bell: &Arc<Notify>) -> Result<Connection, OutboxError> {
        let within = self.connect_within.as_millis() as u64;
        let connecting = tokio::time::timeout(self.connect_within, (self.connect)(Arc::clone(bell)));
        let (client, driver) = connecting.await.map_err(|_| OutboxError::Timeout(within))??;
        let connection = Connection { client, driver };
        let answer_ms = self.answer_within.as_millis();
        let limits = format!("{SESSION} SET statement_timeout = {answer_ms}; SET tcp_user_timeout = {answer_ms}");
        self.answer(connection.client.batch_execute(&limits)).await?;
        Ok(connection)
    }

    /// Waits for an answer, a little longer than the server itself may take.
    pub(super) async fn answer<T>(
        &self,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, OutboxError> {
        let within = self.answer_within + self.answer_within / 4;
        let answer = tokio::time::timeout(within, asked).await;
        Ok(answer.map_err(|_| OutboxError::Timeout(within.as_millis() as u64))??)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
