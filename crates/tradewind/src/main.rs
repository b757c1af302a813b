//! The Tradewind program.
//!
//! `manifest` parses `tradewind.toml`; `command` has one file for each command; `up` is what `tradewind up` is
//! made of. This is the only crate that reads the manifest and the environment, and the only one that knows all
//! the others.

mod command;
mod failure;
mod manifest;
mod surroundings;
mod up;

use std::process::ExitCode;

use clap::Parser;

use crate::command::Command;
use crate::failure::Failure;

/// An append is allocated where it is asked for and freed where it is written; the system's allocator does that badly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A shop as microservices, and everything they need, from one manifest.
#[derive(Debug, Parser)]
#[command(name = "tradewind", version, propagate_version = true, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  tradewind up                        build and run what ./tradewind.toml describes
  tradewind check                     say whether the manifest is right
  tradewind store serve data --listen 127.0.0.1:7100

Exit codes: 0 success, 1 failure, 2 wrong usage.
Errors with a code such as TW-4002 have a page in docs/errors/.";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::new)
        .and_then(|runtime| runtime.block_on(arguments.command.run()));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", Failure::of(&error));
            ExitCode::FAILURE
        }
    }
}
