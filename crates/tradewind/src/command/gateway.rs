//! `tradewind gateway …`: the commands, one file each.

mod check;
mod explain;
mod explained;
mod files;
mod lints;
mod openapi;
mod outlook;

/// Say whether the gateway's part of the manifest is right, and what it does with a request
///
/// All read the manifest, and the files that it names, alone; nothing is started or asked.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Gateway {
    Check(check::Check),
    Explain(explain::Explain),
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
}

impl Gateway {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Check(command) => command.run(),
            Self::Explain(command) => command.run(),
            Self::OpenApi(command) => command.run(),
        }
    }
}
