//! The reference shop: one program that runs any of its contexts by name, and fills a running shop with a sample, or with
//! a whole year. This is all of it, so that tests can run the shop in their own process.

pub mod backdating;
mod command;
#[cfg(feature = "import")]
pub mod import;
pub mod run;
pub mod seed;

pub use command::main;
