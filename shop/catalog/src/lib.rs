//! The context that knows the products.

pub mod events;
pub mod product;
pub mod commands;
pub mod projections;
