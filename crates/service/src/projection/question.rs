//! A question on its way to a read database, and its answer's way back.

use std::sync::{Arc, Mutex, PoisonError};

use tradewind_events::Position;

use super::read_model::{Answer, QueryError};
use super::reader::Reader;
use crate::{AsOf, sql};

type Ask = dyn FnOnce(&Reader<'_>) -> sql::Result<()> + Send;

/// A question, whatever its answer is: what carries it is then compiled once, and not once for each query of each
/// context.
pub(crate) struct Question(Box<Ask>);

/// Where a question's answer is put.
pub(super) struct Said<T>(Arc<Mutex<Option<T>>>);

/// What an answer reflects.
#[derive(Clone, Copy)]
pub(super) struct Reflects {
    pub(super) position: Position,
    pub(super) as_of: Option<AsOf>,
}

impl Question {
    pub(super) fn new<T: Send + 'static>(
        ask: impl FnOnce(&Reader<'_>) -> sql::Result<T> + Send + 'static,
    ) -> (Self, Said<T>) {
        let said = Arc::new(Mutex::new(None));
        let slot = said.clone();
        let ask = move |reader: &Reader<'_>| {
            let answer = ask(reader)?;
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            Ok(())
        };
        (Self(Box::new(ask)), Said(said))
    }

    pub(crate) fn put_to(self, reader: &Reader<'_>) -> sql::Result<()> {
        (self.0)(reader)
    }
}

impl<T> Said<T> {
    /// The answer to a question that has been put.
    pub(super) fn answer(self, reflects: Reflects) -> Result<Answer<T>, QueryError> {
        let value = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let value = value.ok_or_else(|| QueryError::Failed("the question was not put".to_owned()))?;
        Ok(Answer { value, position: reflects.position, as_of: reflects.as_of })
    }
}
