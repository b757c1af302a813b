//! The tools of every measurement: work that repeats itself, a closed loop that drives an engine with it, the raw
//! limit of the disk, and figures that say what they are.

mod aim;
mod clients;
mod counting;
mod drive;
mod engine;
mod figure;
mod folder;
mod histogram;
mod machine;
mod random;
mod raw;
mod report;
mod spread;
mod usage;
mod work;

pub use aim::Aim;
pub use clients::{Client, drive_clients};
pub use counting::{CountingStorage, Written};
pub use drive::{Run, Until, drive};
pub use engine::{Engine, Ticket};
pub use figure::Figure;
pub use folder::Folder;
pub use histogram::Histogram;
pub use machine::{Machine, load};
pub use random::Random;
pub use raw::{RawDisk, RawRun, read_raw};
pub use report::Report;
pub use spread::Spread;
pub use usage::cpu_time;
pub use work::{Fresh, Lengths, Work};
