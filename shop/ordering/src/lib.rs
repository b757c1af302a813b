//! The context that takes orders and sees them delivered.

pub mod commands;
pub mod events;
pub mod fulfilment;
pub mod live;
pub mod order;
pub mod pace;
pub mod payment;
pub mod projections;
pub mod reactions;
pub mod timeline;
