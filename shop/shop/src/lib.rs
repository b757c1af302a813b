//! The reference shop: one program that runs any of its contexts by name, and fills a running shop with a sample, or with
//! a whole year. This is all of it but the command line, so that tests can run the shop in their own process.

pub mod backdating;
#[cfg(feature = "import")]
pub mod import;
pub mod run;
pub mod seed;
