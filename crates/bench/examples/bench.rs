//! The benchmarks without the rest of the program, for whoever works on one crate only:
//! `cargo run --release -p tradewind-bench --example bench -- store --json`.

use clap::Parser;
use tradewind_bench::{Bench, BenchError};

/// The program's own, since what is measured is what it does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

fn main() -> Result<(), BenchError> {
    Arguments::parse().bench.run()
}
