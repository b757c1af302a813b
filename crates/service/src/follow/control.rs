//! What an operator can ask of a follower.

use tokio::sync::{mpsc, oneshot};

/// What is wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Try the event again at which it stopped, and the timers that failed.
    Retry,
    /// Pass over the event at which it stopped, or else the first timer that failed.
    Skip,
    /// Build a projection anew beside the one that answers.
    Rebuild,
}

/// A wish on its way.
pub(crate) struct Request {
    pub(crate) wish: Wish,
    pub(crate) actor: Option<String>,
    pub(crate) reply: oneshot::Sender<Result<(), ControlError>>,
}

/// Why a wish was not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// There is no event and no timer to try again or to skip.
    #[error("it has not stopped at an event, and no timer has failed")]
    NotStopped,
    /// Only projections can be rebuilt.
    #[error("only a projection can be rebuilt")]
    NotAProjection,
    /// A rebuild is under way.
    #[error("it is being rebuilt already")]
    Rebuilding,
    /// It could not be done.
    #[error("{0}")]
    Failed(String),
    /// Another instance of the service does what could be asked for, or none yet.
    #[error("it runs on another instance{}", .0.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default())]
    Elsewhere(Option<String>),
    /// The follower does not run.
    #[error("it is not running")]
    NotRunning,
}

/// Asks things of one running follower. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {
    requests: mpsc::Sender<Request>,
}

/// A control and the end at which its requests arrive.
pub(crate) fn control() -> (Control, mpsc::Receiver<Request>) {
    let (requests, arriving) = mpsc::channel(8);
    (Control { requests }, arriving)
}

impl Control {
    /// Tries the event again at which it stopped, and the timers that failed.
    ///
    /// # Errors
    /// [`ControlError`] if it has not stopped or does not run.
    pub async fn retry(&self) -> Result<(), ControlError> {
        self.ask(Wish::Retry, None).await
    }

    /// Passes over the event at which it stopped, or else the first timer that failed; the decision is recorded as an event, with its `actor`.
    ///
    /// # Errors
    /// [`ControlError`] if it has not stopped, does not run, or the decision cannot be recorded.
    pub async fn skip(&self, actor: Option<String>) -> Result<(), ControlError> {
        self.ask(Wish::Skip, actor).await
    }

    /// Builds a projection anew, beside the one that goes on answering until then.
    ///
    /// # Errors
    /// [`ControlError`] if it is no projection, does not run, or is being rebuilt.
    pub async fn rebuild(&self) -> Result<(), ControlError> {
        self.ask(Wish::Rebuild, None).await
    }

    async fn ask(&self, wish: Wish, actor: Option<String>) -> Result<(), ControlError> {
        let (reply, answer) = oneshot::channel();
        let request = Request { wish, actor, reply };
        self.requests.send(request).await.map_err(|_| ControlError::NotRunning)?;
        answer.await.unwrap_or(Err(ControlError::NotRunning))
    }
}
