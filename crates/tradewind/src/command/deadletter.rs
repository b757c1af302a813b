//! `tradewind deadletter …`: the commands, one file each.

mod drop;
mod fix;
mod list;
mod redrive;
mod selection;
mod service;
mod show;

/// Look at what a service could not handle, mend it, let it be met again, give it up
///
/// A projection, reaction or process manager that cannot handle an event parks the event's key (mostly its stream) with all that
/// comes behind it, and goes on with everything else. SERVICE_URL is where the service listens: `tradewind up` tells it.
/// Each decision is recorded in the service's event store, with --actor.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Deadletter {
    List(list::List),
    Show(show::Show),
    Fix(fix::Fix),
    Redrive(redrive::Redrive),
    Drop(drop::Drop),
}

impl Deadletter {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::Fix(command) => command.run().await,
            Self::Redrive(command) => command.run().await,
            Self::Drop(command) => command.run().await,
        }
    }
}
