//! The embedded event log: one folder, one writing process, every acknowledged record durable.
//!
//! In reading order: [`storage`] is what the log asks of a disk; `format` draws the bytes; `key` turns names into
//! fixed-size keys; `index` finds records by stream, tag and id; `segment` is one file with its index; `state` is
//! what all of them make together, as readers may see it; `recovery` builds that from a folder. Appending goes
//! `request`, `pipeline`, `writer`, `check` (against the state and the `rounds` under way), `round`, `syncer`; `read` reads, asking `lookup` for the index and `recent` where the disk must not be asked;
//! `keeper` does what can wait: making the spare segment and writing indexes; `snapshots`, `reclaim` and `verify`
//! stand beside.
//!
//! Bytes, tags and positions only: nothing here knows JSON, HTTP or async. `docs/internals/log.md` draws the files.

mod storage;
mod error;
mod options;
mod key;
mod format;
mod index;
mod query;
mod segment;
mod tail;
mod state;
mod recovery;
mod request;
mod round;
mod pending;
mod rounds;
mod check;
mod syncer;
mod writer;
mod pipeline;
mod log;
mod read;
mod lookup;
mod recent;
mod keeper;
mod snapshots;
mod reclaim;
mod verify;

pub use error::{AppendError, OpenError, ReadError};
pub use format::decode_segment;
pub use format::record::{Record, RecordRef};
pub use log::{Appended, Log, Stat};
pub use options::{MicrosClock, Options};
pub use query::{Query, QueryItem};
pub use read::{Kept, Page, StreamPage};
pub use request::{AppendRequest, Expected, NewRecord};
pub use snapshots::Snapshot;
pub use storage::{DiskStorage, File, Storage};
pub use verify::{Finding, Verification, verify};
