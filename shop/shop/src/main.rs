//! The reference shop.

use std::process::ExitCode;

/// An append is allocated where it is asked for and freed where it is written; the system's allocator does that badly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    shop::main()
}
