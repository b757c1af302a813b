//! The embedded event log.

mod storage;

pub use storage::{DiskStorage, File, Storage};
