//! One connection, used by one thread at a time, which waits for what it asks.
//!
//! What a projection writes is sent and not waited for: a batch of events costs a few round trips and not one for each
//! statement. What is refused comes to light with the next question or at the end, and is kept with the number of the
//! event that it was for.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream::FuturesOrdered};
use tokio::runtime::Handle;
use tradewind_store::{PostgresFailure, PostgresSession};

use super::placeholders::{Rewritten, What, rewrite};
use super::values::Given;
use crate::sql::{Binder, Error, Params, Result};

/// How many statements are sent before the first answers are waited for.
const UNANSWERED_MAX: usize = 512;
/// How many statements are kept prepared.
const PREPARED_MAX: usize = 512;
/// How long an answer may take. The server ends its statements sooner; this is for one that is not there any more.
const ANSWER_MAX: Duration = Duration::from_secs(40);

type Answer = std::result::Result<u64, tokio_postgres::Error>;

/// A prepared statement, and the names of its values.
#[derive(Clone)]
pub(crate) struct Prepared {
    statement: tokio_postgres::Statement,
    names: Arc<[String]>,
    given: Arc<[What]>,
    values: usize,
}

/// A connection as projections see it.
pub(crate) struct Session {
    connection: Arc<PostgresSession>,
    runtime: Handle,
    /// By the generation whose tables they are about, and their text.
    prepared: RefCell<HashMap<i64, HashMap<Box<str>, Prepared>>>,
    generation: Cell<i64>,
    unanswered: RefCell<FuturesOrdered<BoxFuture<'static, (usize, Answer)>>>,
    /// Which event is being applied.
    event: Cell<usize>,
    /// The first thing that was refused, and for which event.
    refused: RefCell<Option<(usize, Error)>>,
}

impl Session {
    /// Must be made within the runtime that the connection lives in.
    pub(crate) fn new(connection: PostgresSession) -> Self {
        Self {
            connection: Arc::new(connection),
            runtime: Handle::current(),
            prepared: RefCell::default(),
            generation: Cell::new(0),
            unanswered: RefCell::default(),
            event: Cell::new(0),
            refused: RefCell::default(),
        }
    }

    /// Whether the connection is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.connection.client().is_closed()
    }

    /// What is asked from now on is about the tables of this generation.
    pub(crate) fn about(&self, generation: i64) {
        self.generation.set(generation);
    }

    /// What is written from now on is for the event with this number.
    pub(crate) fn for_event(&self, index: usize) {
        self.event.set(index);
    }

    /// Forgets what was refused before.
    pub(crate) fn afresh(&self) {
        *self.refused.borrow_mut() = None;
        self.event.set(0);
    }

    /// The first thing that was refused, and for which event; nothing is unanswered any more.
    pub(crate) fn take_refused(&self) -> Option<(usize, Error)> {
        let _ = self.settle();
        self.refused.borrow_mut().take()
    }

    /// Runs statements without values, and waits for them.
    pub(crate) fn run(&self, sql: &str) -> Result<()> {
        let client = self.connection.client();
        self.wait(client.batch_execute(sql))
    }

    /// The first value of the last row that these statements give.
    pub(crate) fn ask(&self, sql: &str) -> Result<Option<String>> {
        let answers = self.wait(self.connection.client().simple_query(sql))?;
        let row = answers.iter().rev().find_map(|answer| match answer {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(row.and_then(|row| row.get(0)).map(str::to_owned))
    }

    /// Sends statements without values, and does not wait.
    pub(crate) fn send(&self, sql: &'static str) -> Result<()> {
        let connection = self.connection.clone();
        self.dispatch(async move { connection.client().batch_execute(sql).await.map(|()| 0) })
    }

    /// A statement, prepared when it is first used.
    pub(crate) fn prepare(&self, sql: &str) -> Result<Prepared> {
        let known = self.prepared.borrow().get(&self.generation.get()).and_then(|all| all.get(sql).cloned());
        if let Some(prepared) = known {
            return Ok(prepared);
        }
        let rewritten = rewrite(sql)?;
        let statement = self.wait(self.connection.client().prepare(&rewritten.sql))?;
        let Rewritten { names, given, values, .. } = rewritten;
        let prepared = Prepared { statement, names: names.into(), given: given.into(), values };
        let mut all = self.prepared.borrow_mut();
        if all.values().map(HashMap::len).sum::<usize>() >= PREPARED_MAX {
            all.clear();
        }
        all.entry(self.generation.get()).or_default().insert(sql.into(), prepared.clone());
        Ok(prepared)
    }

    /// Sends a statement, and does not wait for what comes of it.
    pub(in crate::sql) fn execute(&self, prepared: &Prepared, values: Vec<Given>) -> Result<()> {
        let (connection, statement) = (self.connection.clone(), prepared.statement.clone());
        self.dispatch(async move { connection.client().execute_raw(&statement, values).await })
    }

    /// Sends a statement and waits until it is known how many rows it changed.
    pub(crate) fn execute_now(&self, sql: &str, params: impl Params) -> Result<u64> {
        let prepared = self.prepare(sql)?;
        let values = prepared.values(params)?;
        self.wait(self.connection.client().execute_raw(&prepared.statement, values))
    }

    /// All rows of a question.
    pub(in crate::sql) fn query(&self, prepared: &Prepared, values: Vec<Given>) -> Result<Vec<tokio_postgres::Row>> {
        let client = self.connection.client();
        self.wait(async { client.query_raw(&prepared.statement, values).await?.try_collect().await })
    }

    /// Waits for all answers.
    pub(crate) fn settle(&self) -> Result<()> {
        let mut unanswered = self.unanswered.take();
        self.bounded(async {
            while let Some((event, answer)) = unanswered.next().await {
                if let Err(error) = answer {
                    // What comes behind the first refusal is refused for its sake.
                    self.refused.borrow_mut().get_or_insert_with(|| (event, told(error)));
                }
            }
        })?;
        match &*self.refused.borrow() {
            None => Ok(()),
            Some((event, _)) => Err(Error::Postgres {
                problem: format!("what was written for event {event} of the batch was refused"),
                state: None,
                passes: false,
            }),
        }
    }

    fn dispatch(&self, sending: impl Future<Output = Answer> + Send + 'static) -> Result<()> {
        let event = self.event.get();
        let mut sending: Pin<Box<dyn Future<Output = (usize, Answer)> + Send>> =
            Box::pin(async move { (event, sending.await) });
        // The first look sends it. It is looked at again, by somebody who can be woken, when answers are waited for.
        match sending.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => self.unanswered.borrow_mut().push_back(Box::pin(async move { done })),
            Poll::Pending => self.unanswered.borrow_mut().push_back(sending),
        }
        if self.unanswered.borrow().len() >= UNANSWERED_MAX { self.settle() } else { Ok(()) }
    }

    /// Waits for an answer. If it is a refusal, whatever was refused first is what counts.
    fn wait<T>(&self, asking: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>) -> Result<T> {
        match self.bounded(asking)? {
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.settle()?;
                Err(told(error))
            }
        }
    }

    fn bounded<T>(&self, waiting: impl Future<Output = T>) -> Result<T> {
        let waited = self.runtime.block_on(async { tokio::time::timeout(ANSWER_MAX, waiting).await });
        waited.map_err(|_| Error::Postgres {
            problem: format!("PostgreSQL has not answered for {} s", ANSWER_MAX.as_secs()),
            state: None,
            passes: true,
        })
    }
}

fn told(error: tokio_postgres::Error) -> Error {
    PostgresFailure::from(error).into()
}

impl From<PostgresFailure> for Error {
    fn from(failure: PostgresFailure) -> Self {
        Self::Postgres { problem: failure.problem, state: failure.state, passes: failure.passes }
    }
}

impl Prepared {
    /// What PostgreSQL is given, in its order.
    pub(in crate::sql) fn values(&self, params: impl Params) -> Result<Vec<Given>> {
        let expected = self.values;
        let mut binder = Gathering { names: &self.names, values: vec![Given::NULL; expected], given: 0 };
        params.bind(&mut binder)?;
        if binder.given < expected {
            return Err(Error::Placeholders(format!("{} values are given for {expected}", binder.given)));
        }
        let of = |what: &What| match *what {
            What::Value(number) => binder.values[number - 1].clone(),
            What::IsNull(number) => Given::truth(binder.values[number - 1].is_null()),
        };
        Ok(self.given.iter().map(of).collect())
    }
}

struct Gathering<'a> {
    names: &'a [String],
    values: Vec<Given>,
    given: usize,
}

impl Binder for Gathering<'_> {
    fn number(&mut self, number: usize, value: &dyn rusqlite::ToSql) -> Result<()> {
        let expected = self.values.len();
        let place = self.values.get_mut(number - 1);
        let place = place.ok_or_else(|| Error::Placeholders(format!("{number} values are given for {expected}")))?;
        *place = Given::new(value)?;
        self.given += 1;
        Ok(())
    }

    fn name(&mut self, name: &str, value: &dyn rusqlite::ToSql) -> Result<()> {
        let index = self.names.iter().position(|known| known == name);
        let index = index.ok_or_else(|| Error::Placeholders(format!("there is no {name}")))?;
        self.number(index + 1, value)
    }
}
