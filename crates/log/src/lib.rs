//! The embedded event log: one folder, one writing process, every acknowledged record durable.
//!
//! In reading order: [`storage`] is what the log asks of a disk; `format` draws the bytes; `key` turns names into
//! fixed-size keys; `index` finds records by stream, tag and id; `segment` is one file with its index; `state` is
//! what all of them make together, as readers may see it; `recovery` builds that from a folder; `request`, `check`
//! and `writer` append; `read` reads; `keeper` does what can wait: making the spare segment and writing indexes;
//! `snapshots`, `reclaim` and `verify` stand beside.
//!
//! Bytes, tags and positions only: nothing here knows JSON, HTTP or async. `docs/internals/log.md` draws the files.

mod check;
mod error;
mod format;
mod index;
mod keeper;
mod key;
mod log;
mod lookup;
mod options;
mod query;
mod read;
mod recent;
mod reclaim;
mod recovery;
mod request;
mod segment;
mod snapshots;
mod state;
mod storage;
mod tail;
mod verify;
mod writer;

pub use error::{AppendError, OpenError, ReadError};
pub use format::decode_segment;
pub use format::record::{Record, RecordRef};
pub use log::{Appended, Log, Stat};
pub use options::{MicrosClock, Options};
pub use query::{Query, QueryItem};
pub use read::{Page, StreamPage};
pub use request::{AppendRequest, Expected, NewRecord};
pub use snapshots::Snapshot;
pub use storage::{DiskStorage, File, Storage};
pub use verify::{Finding, Verification, verify};
