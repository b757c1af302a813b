//! `tradewind bench …`

use tradewind_bench::Bench;

/// Runs a benchmark on a thread of its own: it blocks, and makes the runtimes that it measures.
pub(super) async fn run(bench: Bench) -> anyhow::Result<()> {
    Ok(tokio::task::spawn_blocking(move || bench.run()).await??)
}
