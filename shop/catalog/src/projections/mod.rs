//! The catalog's read models: one file for each, with what changes it and what can be asked of it.

mod departments;
mod product_search;

pub use departments::{Department, Departments};
pub use product_search::{Found, Item, ProductSearch, Search};

#[cfg(test)]
mod tests;
