//! `tradewind completions`

use clap::CommandFactory;
use clap_complete::Shell;

/// Print the completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tradewind completions bash > /etc/bash_completion.d/tradewind")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut command = crate::Arguments::command();
        clap_complete::generate(self.shell, &mut command, "tradewind", &mut std::io::stdout());
        Ok(())
    }
}
