//! What tests are written with. Each part stands behind a feature of its own, so that a test links what it uses:
//! `memory` is an event store in memory, `scenario` given / when / then for entities, `disk` a disk that fails,
//! `servers` starts real ones.

#[cfg(feature = "disk")]
pub mod disk;
#[cfg(feature = "memory")]
pub mod memory_store;
#[cfg(feature = "scenario")]
pub mod scenario;
#[cfg(feature = "servers")]
pub mod servers;
