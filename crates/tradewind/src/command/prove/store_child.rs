//! `tradewind prove store-child`: the process that `prove store` kills.

/// Append what standard input assigns, until killed
#[derive(Debug, clap::Args)]
pub(crate) struct StoreChild {}

impl StoreChild {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        Ok(tradewind_prove::store::child::main()?)
    }
}
