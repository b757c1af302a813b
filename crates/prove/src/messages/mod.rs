//! `tradewind prove messages`: services that tell each other over a broker, under load, while processes are killed and
//! the network between them is cut.
//!
//! In reading order: [`Options`] say over which broker and which store; `plan` draws a round's faults from the seed;
//! `child` is what the processes run that are killed: services with a log and a relay, relays of their own, and
//! followers whose effect and checkpoint are one append to a log of theirs; `network` stands between all of them, and
//! cuts, with `announcement` for servers that tell their clients where they are; `servers` are the broker and the database, `member` is a process, `crew` are all of them; `audit`
//! reads what is on the topics by itself; `check` compares what every follower and every topic has with what the logs
//! say, and `run` does all that, round by round.

mod announcement;
mod audit;
mod check;
pub mod child;
mod crew;
mod member;
mod network;
mod options;
mod plan;
mod report;
mod run;
mod servers;
mod settings;

pub use crate::store::ChildCommand;
pub use network::Means;
pub use options::{BrokerChoice, Options, StoreChoice};
pub use report::{Faults, Report};
pub use run::run_until;
