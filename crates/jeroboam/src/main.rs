//! The one program: a server (`jeroboam up`) and the user's command line.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

/// Hashing a password takes some 20 MB at each login; the system's allocator would keep that memory for each thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod cli;
mod up;

fn main() -> std::process::ExitCode {
    cli::main()
}
