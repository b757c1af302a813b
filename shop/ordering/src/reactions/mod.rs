//! What ordering does when something has happened: one file for each.

mod fulfil_order;

pub use fulfil_order::{Action, FulfilOrder, Fulfilment, FulfilmentEnded, FulfilmentEvent, StepPlanned, StepTaken};
