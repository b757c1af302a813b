//! A small context for the tests: accounts with a balance.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tradewind_events::{AppendCondition, Clock, EventStore, ManualClock, Position, Query, Recorded, Timestamp};
use tradewind_service::sql::{Transaction, params};
use tradewind_service::{
    Command, CommandContext, CommandOptions, Commands, Entity, Projection, ProjectionError, Rejection, Upcasters,
    decode, events, tag,
};
use tradewind_testkit::memory_store::MemoryStore;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) owner: String,
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deposited {
    pub(crate) cents: i64,
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Withdrawn {
    pub(crate) cents: i64,
}

events! {
    pub(crate) enum AccountEvent {
        Opened { version: 2, tags: |e| vec![tag("owner", &e.owner)] },
        Deposited,
        Withdrawn,
    }
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) owner: Option<String>,
    pub(crate) balance_cents: i64,
    pub(crate) changes: u64,
}

impl Entity for Account {
    const CATEGORY: &'static str = "account";
    const STATE_VERSION: u16 = 1;
    type Event = AccountEvent;

    fn evolve(&mut self, event: &AccountEvent) {
        self.changes += 1;
        match event {
            AccountEvent::Opened(opened) => self.owner = Some(opened.owner.clone()),
            AccountEvent::Deposited(deposited) => self.balance_cents += deposited.cents,
            AccountEvent::Withdrawn(withdrawn) => self.balance_cents -= withdrawn.cents,
        }
    }
}

pub(crate) struct Open {
    pub(crate) owner: String,
    /// Whether the owner may have no other account.
    pub(crate) only_one: bool,
}

impl Open {
    pub(crate) fn by(owner: &str) -> Self {
        Self { owner: owner.to_owned(), only_one: false }
    }
}

impl Command for Open {
    type Entity = Account;

    fn decide(&self, account: &Account, _at: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
        if account.owner.is_some() {
            return Err(Rejection::new("account-exists", "the account is open already"));
        }
        Ok(vec![Opened { owner: self.owner.clone() }.into()])
    }

    fn condition(&self) -> Option<AppendCondition> {
        let fail_if = Query::tags([tag("owner", &self.owner)]);
        self.only_one.then_some(AppendCondition { fail_if, after: Position::START })
    }
}

pub(crate) struct Deposit(pub(crate) i64);

impl Command for Deposit {
    type Entity = Account;

    fn decide(&self, _account: &Account, _at: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
        Ok(vec![Deposited { cents: self.0 }.into()])
    }
}

pub(crate) struct Withdraw(pub(crate) i64);

impl Command for Withdraw {
    type Entity = Account;

    fn decide(&self, account: &Account, _at: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
        match self.0 {
            0 => Ok(Vec::new()),
            cents if cents > account.balance_cents => Err(Rejection::new("too-little", "there is not so much in it")),
            cents => Ok(vec![Withdrawn { cents }.into()]),
        }
    }
}

/// Makes the balance what is wished; nothing happens if it is so already.
pub(crate) struct Settle(pub(crate) i64);

impl Command for Settle {
    type Entity = Account;

    fn decide(&self, account: &Account, _at: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
        Ok(match self.0 - account.balance_cents {
            0 => Vec::new(),
            cents if cents > 0 => vec![Deposited { cents }.into()],
            cents => vec![Withdrawn { cents: -cents }.into()],
        })
    }
}

/// Balances, and how often each account has changed: wrong if an event takes effect twice.
pub(crate) struct Balances {
    pub(crate) version: u32,
    /// Deposits of this many cents cannot be applied.
    pub(crate) poison_cents: i64,
    /// Whether that parks the account, or stops the projection.
    pub(crate) parks: bool,
    /// Makes each event take its time.
    pub(crate) pause: Duration,
}

impl Default for Balances {
    fn default() -> Self {
        Self { version: 1, poison_cents: -1, parks: true, pause: Duration::ZERO }
    }
}

impl Projection for Balances {
    fn name(&self) -> &'static str {
        "balances"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE balance (account TEXT PRIMARY KEY, cents INTEGER NOT NULL, changes INTEGER NOT NULL)"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some("CREATE TABLE balance (account text PRIMARY KEY, cents bigint NOT NULL, changes bigint NOT NULL)")
    }

    fn query(&self) -> Query {
        Query::category("account")
    }

    fn parks(&self) -> bool {
        self.parks
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        std::thread::sleep(self.pause);
        let Some(happened) = decode::<AccountEvent>(event)? else { return Ok(()) };
        let cents = match happened {
            AccountEvent::Opened(_) => 0,
            AccountEvent::Deposited(deposited) => deposited.cents,
            AccountEvent::Withdrawn(withdrawn) => -withdrawn.cents,
        };
        tx.prepare_cached(
            "INSERT INTO balance VALUES (?1, ?2, 1)
             ON CONFLICT (account) DO UPDATE SET cents = balance.cents + excluded.cents, changes = balance.changes + 1",
        )?
        .execute(params![event.entity_id(), cents])?;
        if cents == self.poison_cents {
            return Err(ProjectionError::Other("this amount is poison".to_owned()));
        }
        Ok(())
    }
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-11-22T10:00:00Z".parse().unwrap()))
}

pub(crate) fn commands(store: &MemoryStore, options: CommandOptions) -> Commands {
    commands_at(store, clock(), options)
}

pub(crate) fn commands_at(store: &MemoryStore, clock: Arc<dyn Clock>, options: CommandOptions) -> Commands {
    Commands::new(Arc::new(store.clone()) as Arc<dyn EventStore>, clock, Upcasters::default(), options)
}

pub(crate) fn nobody() -> CommandContext {
    CommandContext::default()
}

/// How long something may take to come about; a machine that does much besides takes its time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something holds, but not for ever.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = std::time::Instant::now();
    while !holds().await {
        assert!(started.elapsed() < PATIENCE, "{what} did not come to be within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
