//! The context that knows the products.

pub mod commands;
pub mod events;
pub mod product;
pub mod projections;
