//! `tradewind completions`

use clap::CommandFactory;
use clap_complete::Shell;

use super::output::print;

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
        // Into memory first: on a pipe that nobody reads, the generator itself would panic.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "tradewind", &mut script);
        print(String::from_utf8_lossy(&script).trim_end())
    }
}
