//! The one program: a server (`jeroboam up`) and the user's command line.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

/// Every login takes some 20 MB for a moment to hash a password; the system's allocator keeps that for each thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod cli;
mod up;

fn main() -> std::process::ExitCode {
    cli::main()
}
