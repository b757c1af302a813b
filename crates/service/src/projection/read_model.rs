//! The handle through which queries ask a read model.

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::watch;
use tradewind_events::{ErrorCode, Position};

use super::generation::Generation;
use super::past::{About, PastError, Pasts};
use super::question::{Question, Reflects};
use super::reader::Reader;
use crate::follow::{FollowerState, Status};
use crate::{AsOf, CountedAside, QueryContext, sql};

/// A read model, for reading only. Cheap to clone; it goes on answering while the model is rebuilt and replaced.
#[derive(Clone)]
pub struct ReadModel {
    pub(crate) live: watch::Receiver<Arc<Generation>>,
    pub(crate) status: Arc<Status>,
    pub(crate) pasts: Arc<Pasts>,
    pub(crate) wait_max: Duration,
}

/// An answer, and what it reflects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// The position that it reflects: everything up to there is in it.
    pub position: Position,
    /// The moment of the past whose answer it is, if one was asked for.
    pub as_of: Option<AsOf>,
}

impl<T> Answer<T> {
    /// Another answer made from this one, of the same position.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: change(self.value), position: self.position, as_of: self.as_of }
    }
}

/// Why a query was not answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The read model did not reach the asked-for position in time.
    #[error("{name} has reached position {reached}, not {wanted}")]
    NotCaughtUp {
        /// The read model.
        name: String,
        /// The position that was asked for.
        wanted: Position,
        /// How far it has come.
        reached: Position,
        /// Whether it has stopped at an event, so that waiting is no use.
        stopped: bool,
    },
    /// Its tables are of other code than today's, and those that are to replace them are not ready.
    #[error("{name} is made anew for its new tables, and has come to position {reached}")]
    Rebuilding {
        /// The read model.
        name: String,
        /// How far the new one has come.
        reached: Position,
    },
    /// Too many queries are waiting.
    #[error("too many queries are waiting")]
    Overloaded,
    /// The database refused.
    #[error("the read database refused: {0}")]
    Database(#[from] sql::Error),
    /// The query's own code failed.
    #[error("the query failed: {0}")]
    Failed(String),
    /// The asked-for past cannot be made.
    #[error(transparent)]
    Past(#[from] PastError),
}

impl QueryError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotCaughtUp { .. } | Self::Rebuilding { .. } => ErrorCode::NOT_CAUGHT_UP,
            Self::Overloaded => ErrorCode::TIMEOUT,
            Self::Database(sql::Error::Postgres { passes: true, .. }) => ErrorCode::UNAVAILABLE,
            Self::Database(_) => ErrorCode::READ_MODEL,
            Self::Failed(_) => ErrorCode::INTERNAL,
            Self::Past(error) => error.code(),
        }
    }
}

impl ReadModel {
    /// Asks a question. It sees one moment of the read model, which the answer tells; `context` may ask for one
    /// that is fresh enough, or for one of the past.
    ///
    /// # Errors
    /// [`QueryError`] if the moment cannot be had or the database refuses.
    pub async fn query<T, F>(&self, context: &QueryContext, ask: F) -> Result<Answer<T>, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&Reader<'_>) -> sql::Result<T> + Send + 'static,
    {
        let (question, said) = Question::new(ask);
        let reflects = self.put(context, question).await?;
        said.answer(reflects)
    }

    /// Asks a question about few of the events that the read model is made of. It is answered as any other, but as of a
    /// past from these alone, in about the time that it takes to read them.
    ///
    /// # Errors
    /// [`QueryError`] if the moment cannot be had or the database refuses.
    pub async fn query_about<T, F>(
        &self,
        context: &QueryContext,
        about: &About,
        ask: F,
    ) -> Result<Answer<T>, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&Reader<'_>) -> sql::Result<T> + Send + 'static,
    {
        let (question, said) = Question::new(ask);
        let reflects = self.put_about(context, about, question).await?;
        said.answer(reflects)
    }

    /// Boxed, like the next: a future that is handed out as it is would be compiled in each context anew.
    fn put<'a>(&'a self, context: &'a QueryContext, question: Question) -> BoxFuture<'a, Result<Reflects, QueryError>> {
        Box::pin(async move {
            if let Some(as_of) = context.as_of {
                let past = self.pasts.make(as_of).await?;
                let position = past.read(question).await?;
                return Ok(Reflects { position, as_of: Some(as_of) });
            }
            if let Some(after) = context.after {
                self.wait_for(after).await?;
            }
            let live = self.live.borrow().clone();
            if !live.is_of_today() {
                let reached = self.status.read().rebuilding.unwrap_or_default();
                return Err(QueryError::Rebuilding { name: self.status.name().to_owned(), reached });
            }
            let position = live.read(question).await?;
            Ok(Reflects { position, as_of: None })
        })
    }

    fn put_about<'a>(
        &'a self,
        context: &'a QueryContext,
        about: &'a About,
        question: Question,
    ) -> BoxFuture<'a, Result<Reflects, QueryError>> {
        Box::pin(async move {
            let Some(as_of) = context.as_of else { return self.put(context, question).await };
            let Some((made, position)) = self.pasts.part(as_of, about).await? else {
                return self.put(context, question).await;
            };
            let asked = tokio::task::spawn_blocking(move || question.put_to(&Reader::new(&made, position)));
            asked.await.map_err(|panic| QueryError::Failed(panic.to_string()))??;
            Ok(Reflects { position, as_of: Some(as_of) })
        })
    }

    /// What the read model lacks, since it could not be applied: keys that are parked, and how many events of them. An
    /// instance that does not apply the events itself does not know.
    #[must_use]
    pub fn aside(&self) -> CountedAside {
        self.status.read().aside
    }

    /// Up to where the read model tells all, but for what is set [`aside`](Self::aside).
    #[must_use]
    pub fn position(&self) -> Position {
        self.live.borrow().position()
    }

    /// Waits, within bounds, until the read model has reached a position.
    ///
    /// # Errors
    /// [`QueryError::NotCaughtUp`] if it has not in time, or has stopped before it.
    pub async fn wait_for(&self, wanted: Position) -> Result<(), QueryError> {
        if self.position() >= wanted {
            return Ok(());
        }
        let stopped = || self.status.read().state == FollowerState::Stopped;
        let behind = |stopped| QueryError::NotCaughtUp {
            name: self.status.name().to_owned(),
            wanted,
            reached: self.position(),
            stopped,
        };
        if stopped() {
            return Err(behind(true));
        }
        match tokio::time::timeout(self.wait_max, self.reach(wanted)).await {
            Ok(()) => Ok(()),
            Err(_) => Err(behind(stopped())),
        }
    }

    /// Waits for any change: of the position, or of the generation that answers. Returns the position then.
    pub async fn changed(&self) -> Position {
        let mut live = self.live.clone();
        let generation = live.borrow_and_update().clone();
        let mut progress = generation.progress();
        progress.mark_unchanged();
        tokio::select! {
            _ = progress.changed() => {}
            _ = live.changed() => {}
        }
        self.position()
    }

    async fn reach(&self, wanted: Position) {
        let mut live = self.live.clone();
        loop {
            let generation = live.borrow_and_update().clone();
            let mut progress = generation.progress();
            let _hurry = generation.hurry();
            tokio::select! {
                // The guard that `wait_for` gives must not be held across an await.
                true = async { progress.wait_for(|position| *position >= wanted).await.is_ok() } => return,
                Ok(()) = live.changed() => {}
                // Neither can come any more: the service has gone down, and the wait ends by its bound.
                else => std::future::pending().await,
            }
        }
    }
}
