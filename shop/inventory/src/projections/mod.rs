//! The read models of inventory: one file for each, with what changes it and what can be asked of it.

mod stock_levels;

pub use stock_levels::{Cursor, Level, LevelsPage, StockLevels};

#[cfg(test)]
mod tests;
