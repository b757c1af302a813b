//! `tradewind store …`: the commands, one file each.

mod append;
mod export;
mod import;
mod read;
mod reclaim;
mod relocate;
mod selection;
mod serve;
mod stat;
mod tail;
mod target;
mod truncate;
mod verify;

/// Look at an event store, append to it, carry it elsewhere, move it, serve it
///
/// STORE is a folder, file:PATH, the URL of a served one: http://127.0.0.1:7100, or a schema in PostgreSQL:
/// postgres://USER@HOST/DATABASE?schema=NAME. A folder can be opened by one process at a time; while a service has it
/// open, use that service's URL.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Store {
    Serve(serve::Serve),
    Stat(stat::Stat),
    Read(read::Read),
    Tail(tail::Tail),
    Append(append::Append),
    Export(export::Export),
    Import(import::Import),
    Move(relocate::Relocate),
    Verify(verify::Verify),
    Truncate(truncate::Truncate),
    Reclaim(reclaim::Reclaim),
}

impl Store {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Serve(command) => command.run().await,
            Self::Stat(command) => command.run().await,
            Self::Read(command) => command.run().await,
            Self::Tail(command) => command.run().await,
            Self::Append(command) => command.run().await,
            Self::Export(command) => command.run().await,
            Self::Import(command) => command.run().await,
            Self::Move(command) => command.run().await,
            Self::Verify(command) => command.run(),
            Self::Truncate(command) => command.run().await,
            Self::Reclaim(command) => command.run().await,
        }
    }
}
