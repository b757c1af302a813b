//! The benchmarks without the rest of the program, for whoever works on one crate only:
//! `cargo run --release -p tradewind-bench --example bench -- store --json`.

use clap::Parser;
use tradewind_bench::{Bench, BenchError};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

fn main() -> Result<(), BenchError> {
    Arguments::parse().bench.run()
}
