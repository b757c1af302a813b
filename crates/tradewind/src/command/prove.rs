//! `tradewind prove …`: the commands, one file each.

mod messages;
mod messages_child;
mod store;
mod store_child;

/// Prove on this machine that what is promised holds
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Prove {
    Messages(messages::Messages),
    #[command(hide = true)]
    MessagesChild(messages_child::MessagesChild),
    Store(store::Store),
    #[command(hide = true)]
    StoreChild(store_child::StoreChild),
}

impl Prove {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Messages(command) => command.run().await,
            Self::MessagesChild(command) => command.run().await,
            Self::Store(command) => command.run().await,
            Self::StoreChild(command) => command.run(),
        }
    }
}
