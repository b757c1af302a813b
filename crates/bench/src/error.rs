//! Why a measurement failed.

use std::io;

/// Why a measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The folder's file system is memory, so that nothing in it is durable.
    #[error("{place} is on {kind}, which is memory: name a folder on a disk with --folder")]
    Memory {
        /// The folder.
        place: String,
        /// Its file system.
        kind: String,
    },
    /// An option makes no sense.
    #[error("invalid option: {0}")]
    Option(String),
    /// A program that is to be measured is not installed.
    #[error("{program} is not installed: `{install}` brings it, --skip-missing does without")]
    Missing {
        /// The program.
        program: &'static str,
        /// What installs it.
        install: &'static str,
    },
    /// A process that is measured did not come up, or ended.
    #[error("{name} does not answer: {why}")]
    Process {
        /// What it is called.
        name: String,
        /// What is known of it.
        why: String,
    },
    /// An engine refused what it should have taken.
    #[error("the engine answered: {0}")]
    Engine(String),
    /// A reader did not find what was written.
    #[error("what was read is not what was written: {0}")]
    Wrong(String),
    /// A client's thread panicked.
    #[error("a client's thread panicked")]
    Panicked,
    /// The log could not be opened.
    #[error(transparent)]
    Open(#[from] tradewind_log::OpenError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] tradewind_log::ReadError),
    /// The event store could not be opened.
    #[error(transparent)]
    Store(#[from] tradewind_store::OpenError),
    /// The service could not be started.
    #[error(transparent)]
    Host(#[from] tradewind_service::HostError),
    /// An input or output error.
    #[error(transparent)]
    Io(#[from] io::Error),
}
