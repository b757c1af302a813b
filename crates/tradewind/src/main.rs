//! The Tradewind program.
//!
//! `manifest` parses `tradewind.toml`; `command` has one file for each command; `up` is what `tradewind up` is
//! made of, `seed` what `tradewind seed` is. This is the only crate that reads the manifest and the environment, and the only one that knows all
//! the others.

#![warn(clippy::print_stdout, reason = "`println!` panics when nobody reads: use `command::output`")]
#![warn(clippy::print_stderr, reason = "`eprintln!` panics when nobody reads")]

mod command;
mod described;
mod failure;
mod manifest;
mod seed;
mod surroundings;
mod up;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::command::Command;
use crate::failure::{Failure, Interrupted};

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
  tradewind deadletter list http://127.0.0.1:7102

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 a proof or benchmark that was interrupted.
Errors with a code such as TW-4002 have a page in docs/errors/.";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = run(arguments.command);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => Interrupted::EXIT_CODE.into(),
        Err(error) => {
            // Without standard error the exit code still tells.
            let _ = writeln!(std::io::stderr(), "{}", Failure::of(&error));
            ExitCode::FAILURE
        }
    }
}

/// How long what still runs in the background may take to end, once all is done that was asked for.
const END_WITHIN: Duration = Duration::from_secs(1);

fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(command.run());
    // Dropped, it would wait for as long as somebody does not read what a thread wants to write.
    runtime.shutdown_timeout(END_WITHIN);
    ended
}
