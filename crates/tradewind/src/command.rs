//! The commands, one file each.

mod bench;
mod check;
mod completions;
mod deadletter;
mod gateway;
pub(crate) mod output;
pub(crate) mod progress;
mod prove;
mod seed;
mod store;
mod up;

/// What the program can do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Up(up::Up),
    Check(check::Check),
    Seed(seed::Seed),
    #[command(subcommand)]
    Store(store::Store),
    #[command(subcommand)]
    Deadletter(deadletter::Deadletter),
    #[command(subcommand)]
    Gateway(gateway::Gateway),
    Bench(bench::Bench),
    #[command(subcommand)]
    Prove(prove::Prove),
    Completions(completions::Completions),
}

impl Command {
    /// Runs it to its end.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Up(command) => command.run().await,
            Self::Check(command) => command.run(),
            Self::Seed(command) => command.run().await,
            Self::Store(command) => command.run().await,
            Self::Deadletter(command) => command.run().await,
            Self::Gateway(command) => command.run(),
            Self::Bench(command) => command.run().await,
            Self::Prove(command) => command.run().await,
            Self::Completions(command) => command.run(),
        }
    }
}
