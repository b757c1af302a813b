//! What a service is written with: entities, commands, projections, process managers, and the host that runs them.
//!
//! Read in this order: a [`DomainEvent`] tells what happened to an [`Entity`]; a [`Command`] decides what happens
//! next, and [`Commands`] carries it out, or several [`Together`]; a [`Projection`] makes a [`ReadModel`] of events,
//! which queries ask; a [`Reaction`] does something whenever an event has happened, and a [`ProcessManager`] coordinates
//! others over time; [`Publish`] says what other services are told; a [`Host`] runs it all. Several instances of a
//! service share a [`SharedDatabase`], in which each thing is done by one of them at a time.

mod command;
mod domain_event;
mod entity;

mod as_of;
mod commands;
mod context;
mod panics;
mod start;
mod upcast;

mod feed;
mod follow;
mod host;
mod process;
mod projection;
mod reaction;
mod shared;
pub mod sql;

pub use as_of::{AsOf, NoMoment, NotYet, QueryContext};
pub use command::{Command, EventOf, Rejection, decide_after};
pub use commands::{
    Acknowledged, CommandError, CommandOptions, Commands, Entities, EntityAt, LoadError, Refused, Together,
    TogetherError,
};
pub use context::{CommandContext, IdempotencyKey};
pub use domain_event::{DomainEvent, decode, tag};
pub use entity::{Entity, stream_of};
pub use feed::{Contract, ContractType, Feed, Publish, PublishError};
pub use follow::{Control, ControlError, FailedTimer, FollowerState, FollowerStatus, Paused, Stopped};
pub use host::{
    Host, HostError, HostOptions, LogError, LogFormat, Operation, Problem, RequestId, Service, ServiceError,
    ServiceHandle, Submitted, init_logging,
};
pub use process::{AlsoHears, Effect, Issue, OwnEvent, ProcessManager};
pub use projection::{
    About, Answer, PastError, PastOptions, Projection, ProjectionError, ProjectionOptions, ProjectionStartError,
    QueryError, ReadModel, Reader,
};
pub use reaction::{
    Counted, CountedAside, DeadLetterError, DeadLetters, Issued, Issuer, ParkedEvent, ParkedKey, ParkedKeys,
    ParkedQueue, ParkingOptions, Reaction, ReactionError, Selected, SelectedKey, Selection,
};
pub use rusqlite;
#[doc(hidden)]
pub use serde_json as json;
pub use shared::{LeaseOptions, LeaseStatus, SharedDatabase, SharedError};
pub use start::StartFrom;
pub use tradewind_events::Tag;
pub use upcast::{UpcastError, Upcasters};
