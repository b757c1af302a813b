//! The services of a manifest as processes: start in health order, restart, log, drain.
//!
//! Read in this order: a [`ServiceSpec`] says how one service is built and run, and as how many [`Instance`]s;
//! [`Fleet::new`] checks a list of them and gives each its port; [`Fleet::run`] keeps them running until it is told to stop; a [`FleetHandle`]
//! looks on, restarts one, and hears every [`FleetEvent`]. [`build_steps`] and [`run_task`] are for commands that end.
//!
//! No child outlives the process that started it, however that one ends. Nothing here reads the manifest or the
//! environment.

mod backoff;
mod child;
mod event;
mod fleet;
mod health;
mod holder;
mod instance;
mod order;
mod output;
mod ports;
mod process;
mod spawner;
mod spec;
mod supervisor;
mod task;
mod template;

pub use backoff::RestartPolicy;
pub use child::Exit;
pub use event::{FleetEvent, LogLine, Output, ServiceStatus, State};
pub use fleet::{Fleet, FleetError, FleetHandle, Options};
pub use health::Liveness;
pub use holder::{Holder, who_listens_on};
pub use instance::Instance;
pub use order::{OrderError, start_order};
pub use spec::{NameError, ServiceName, ServiceSpec};
pub use task::{BuildStep, TaskError, TaskLine, build_steps, run_task};
pub use template::{CommandTemplate, Place, Template, TemplateError, Values};

#[cfg(test)]
mod tests;
