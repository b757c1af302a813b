//! What a service is written with: entities, commands, projections, process managers, and the host that runs them.

mod command;
mod domain_event;
mod entity;

mod as_of;
mod commands;
mod context;
mod upcast;

mod follow;
mod process;
mod projection;
mod reaction;

pub use as_of::{AsOf, NoMoment, QueryContext};
pub use command::{Command, EventOf, Rejection, decide_after};
pub use commands::{Acknowledged, CommandError, CommandOptions, Commands, Entities, EntityAt, LoadError};
pub use context::{CommandContext, IdempotencyKey};
pub use domain_event::{DomainEvent, decode, tag};
pub use entity::{Entity, stream_of};
pub use follow::{Control, ControlError, FollowerState, FollowerStatus, Stopped};
pub use process::{Effect, Issue, OwnEvent, ProcessManager};
pub use projection::{
    Answer, PastError, PastOptions, Projection, ProjectionError, ProjectionOptions, ProjectionStartError, QueryError,
    ReadModel, Reader,
};
pub use reaction::{Issued, Issuer, Reaction, ReactionError};
pub use rusqlite;
#[doc(hidden)]
pub use serde_json as json;
pub use tradewind_events::Tag;
pub use upcast::{UpcastError, Upcasters};
