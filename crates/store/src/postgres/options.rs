//! How a store in PostgreSQL is used. Every wait has an end, every queue a limit.

use std::time::Duration;

/// Limits and times of a store in PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// How long making one connection may take, to all hosts that the URL names: each gets its share.
    pub connect_within: Duration,
    /// How long a server's machine may confirm nothing on the network before a connection to it is given up, where the
    /// system can do that (`TCP_USER_TIMEOUT`, and keepalives on idle connections). What the URL says of these goes
    /// before.
    pub silent_max: Duration,
    /// How long opening waits for a database that is away.
    pub open_within: Duration,
    /// How long a statement may take, the wait for other writers included.
    pub answer_within: Duration,
    /// How long a read or an append that met a broken connection, or none, is repeated, from when that was noticed.
    /// Appends are repeated with the same event ids, so that they are recorded once.
    pub retry_for: Duration,
    /// The first pause before trying again; it doubles, up to [`PostgresOptions::pause_max`], and is cut by chance.
    pub pause_first: Duration,
    /// The longest pause before trying again.
    pub pause_max: Duration,
    /// How often a subscription looks for new events by itself, lest a notification was lost.
    pub poll_every: Duration,
    /// How long a subscription that lost its database tries to find it again; none: for ever.
    pub follow_for: Option<Duration>,
    /// The most connections for reads; more reads wait their turn. Appends, following and notifying have one each
    /// besides.
    pub read_connections_max: usize,
    /// How many batches are on their way at once. Only one at a time gets into the database: a second one spares the
    /// way there, and halves the batches.
    pub batches_in_flight_max: usize,
    /// The most appends in one batch.
    pub batch_appends_max: usize,
    /// The most events in one batch, if it has more than one append.
    pub batch_events_max: usize,
    /// The most bytes in one batch, if it has more than one append: names, tags, metadata and data.
    pub batch_bytes_max: usize,
    /// How many appends wait at once; more wait for room.
    pub waiting_max: usize,
    /// How many bytes those have that wait at once. One that has more waits until no other does.
    pub waiting_bytes_max: usize,
}

impl PostgresOptions {
    /// How long nothing comes back before a server is taken for gone that had been asked something: longer than it may
    /// take to answer.
    pub(super) fn silence(&self) -> Duration {
        self.answer_within + self.connect_within
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connect_within: Duration::from_secs(5),
            silent_max: Duration::from_secs(10),
            open_within: Duration::from_secs(30),
            answer_within: Duration::from_secs(30),
            retry_for: Duration::from_secs(15),
            pause_first: Duration::from_millis(20),
            pause_max: Duration::from_secs(1),
            poll_every: Duration::from_millis(500),
            follow_for: None,
            read_connections_max: 4,
            batches_in_flight_max: 1,
            batch_appends_max: 2_048,
            batch_events_max: 4_096,
            batch_bytes_max: 4 << 20,
            waiting_max: 16_384,
            waiting_bytes_max: 64 << 20,
        }
    }
}
