//! Reactions: what a service does when something has happened. Each event is met at least once, and what follows
//! from it is named after it, so that the effect is that of exactly once.
//!
//! `sink` takes events as they come, `meeting` meets those of one key in order, `aside` keeps what could not be met and
//! goes back to it, `circuit` notices when nothing works, `ledger` remembers all of that; `dead_letters` is what
//! operators see of it.

mod aside;
mod backoff;
mod circuit;
mod dead_letters;
mod desk;
mod failure;
mod ledger;
mod meeting;
mod runner;
mod share;
mod sink;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_core::future::BoxFuture;
use tradewind_events::{Query, Recorded};

use crate::context::internal_key;
use crate::panics::catch;
use crate::{Acknowledged, Command, CommandContext, Commands, Refused, Rejection, Together, TogetherError};

pub(crate) use aside::{Aside, Drives, Slot, Taken, drive_all, key_itself};
pub use aside::{Counted, CountedAside, ParkingOptions};
pub(crate) use backoff::Backoff;
pub(crate) use circuit::Circuit;
pub(crate) use dead_letters::TOLD_MAX;
pub use dead_letters::{
    DeadLetterError, DeadLetters, ParkedEvent, ParkedKey, ParkedKeys, ParkedQueue, Selected, SelectedKey, Selection,
};
pub use failure::ReactionError;
pub(crate) use failure::class;
pub(crate) use ledger::{
    Entry, KeptEvent, Ledger, Names, SetAside, Settled, Standing, Timer, TimerChange, set_aside, settle,
};
pub(crate) use meeting::{Failure, Left, Reactor};
pub(crate) use runner::{Opened, ReactionRunner, ReactionSurroundings};
pub(crate) use share::{SHARES_MAX, Share};

/// Something that is done whenever certain events have happened.
pub trait Reaction: Send + Sync + 'static {
    /// Its name, which is also its checkpoint's: lower-case letters, digits and dashes. Renaming it makes it meet
    /// every event again.
    fn name(&self) -> &'static str;

    /// To which events.
    fn query(&self) -> Query;

    /// What is done. Events of one stream come one after the other; those of different streams at the same time. An
    /// event may come again, after a crash or because it failed, and must then lead to the same commands in the same
    /// order. A command that took effect or changed nothing comes to the same then; one that was rejected is decided
    /// anew. What must remember a rejection is a [`ProcessManager`](crate::ProcessManager).
    fn react<'a>(&'a self, event: &'a Recorded, issuer: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>>;

    /// Into how many shares it is split, at most 16, where instances of the service share a database: each instance then
    /// does some of them. Each share reads everything that the reaction is to react to, and leaves out what is not its
    /// own. Another number is another split: its shares begin where the furthest behind of the old ones was, and have what
    /// was set aside; what has been met since is met again.
    fn shares(&self) -> u16 {
        1
    }

    /// What must come one after the other: all events of one key are of one share, and are met in their order. An event
    /// whose key cannot be told has its stream for one.
    fn key<'a>(&self, event: &'a Recorded) -> Cow<'a, str> {
        Cow::Borrowed(event.stream())
    }

    /// Whether later events of a stream wait for one that is delayed, by what it says of itself or by
    /// [`ReactionError::Again`]. They do unless this says otherwise, since order within a stream is what is promised.
    /// If they do not, a delayed event is met alone when its time has come, and those behind it go on at once.
    fn later_events_wait(&self) -> bool {
        true
    }
}

/// What became of a command that a reaction gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Issued {
    /// It took effect, now or before.
    Done(Acknowledged),
    /// The rules said no, which is an answer; or the command's condition failed, for the reason `condition-failed`.
    Rejected(Rejection),
}

/// Gives commands on behalf of one event. Their keys follow from the reaction, the event, and their order.
pub struct Issuer {
    commands: Commands,
    event: Recorded,
    name: String,
    key: String,
    issued: AtomicUsize,
}

impl Issuer {
    pub(crate) fn new(commands: Commands, name: &str, event: &Recorded) -> Self {
        let key = internal_key(format_args!("{name}/{}", event.id()));
        Self { commands, event: event.clone(), name: name.to_owned(), key, issued: AtomicUsize::new(0) }
    }

    /// Gives a command to the entity `id`.
    ///
    /// # Errors
    /// [`ReactionError`] if the command could not be handled; a rejection is no error.
    pub async fn issue<C: Command>(&self, id: &str, command: &C) -> Result<Issued, ReactionError> {
        let context = self.next_context();
        match self.commands.handle(id, command, &context).await {
            Ok(done) => Ok(Issued::Done(done)),
            Err(error) => Ok(Issued::Rejected(error.into_rejection()?)),
        }
    }

    /// Gives commands to several entities, which take effect together or not at all. What the rules of some refused is
    /// the inner answer.
    ///
    /// # Errors
    /// [`ReactionError`] if the commands could not be handled; a rejection is no error.
    pub async fn issue_together(
        &self,
        commands: &Together,
    ) -> Result<Result<Acknowledged, Vec<Refused>>, ReactionError> {
        let context = self.next_context();
        match self.commands.handle_together(commands, &context).await {
            Ok(done) => Ok(Ok(done)),
            Err(TogetherError::Rejected(refused)) => Ok(Err(refused)),
            Err(TogetherError::Command(error)) => Err(error.into()),
        }
    }

    /// The context of the event's next consequence.
    pub(crate) fn next_context(&self) -> CommandContext {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        CommandContext::caused_by(&self.event, format!("{}/{number}", self.key)).traced_by(&self.name)
    }
}

/// A reaction as the sink sees it.
pub(crate) struct ForReaction {
    pub(crate) reaction: Arc<dyn Reaction>,
    pub(crate) commands: Commands,
    /// Which of its events; none, if all.
    pub(crate) share: Option<Share>,
}

impl Reactor for ForReaction {
    fn lane<'a>(&self, event: &'a Recorded) -> Cow<'a, str> {
        self.reaction.key(event)
    }

    fn is_mine(&self, event: &Recorded) -> bool {
        let Some(share) = self.share else { return true };
        // Whoever falls over the event when asked for its key falls over it again when it is met.
        let key = catch("the key", || self.reaction.key(event)).unwrap_or_else(|_| Cow::Borrowed(event.stream()));
        share.has(&key)
    }

    fn name(&self) -> &str {
        self.reaction.name()
    }

    fn later_events_wait(&self) -> bool {
        self.reaction.later_events_wait()
    }

    fn meet<'a>(&'a self, event: &'a Recorded) -> BoxFuture<'a, Result<Vec<TimerChange>, ReactionError>> {
        Box::pin(async move {
            let issuer = Issuer::new(self.commands.clone(), self.reaction.name(), event);
            self.reaction.react(event, &issuer).await.map(|()| Vec::new())
        })
    }
}
