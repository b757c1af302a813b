//! `tradewind bench …`

/// Measure this machine's figures beside its limits
#[cfg(feature = "bench")]
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    figure: tradewind_bench::Bench,
}

#[cfg(feature = "bench")]
impl Bench {
    /// Measures on a thread of its own: it blocks, and makes the runtimes that it measures.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        Ok(tokio::task::spawn_blocking(move || self.figure.run()).await??)
    }
}

/// Measure this machine's figures beside its limits (built with the feature `bench`)
#[cfg(not(feature = "bench"))]
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// What a program that has it takes.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<String>,
}

#[cfg(not(feature = "bench"))]
impl Bench {
    /// Tells where the benchmarks are.
    #[expect(clippy::unused_async, reason = "as with all other commands")]
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let arguments = self.arguments.join(" ");
        anyhow::bail!(
            "this program was built without the benchmarks; in a checkout: \
             cargo run --release --features bench -- bench {arguments}"
        )
    }
}
