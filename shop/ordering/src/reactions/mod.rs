//! What ordering does when something has happened: one file for each.

mod fulfil_order;

pub use fulfil_order::{
    FulfilOrder, Fulfilment, FulfilmentEnded, FulfilmentEvent, PastStepsTaken, StepPlanned, StepTaken,
};
