//! The one program: a server (`jeroboam up`) and the user's command line.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod cli;
mod up;

fn main() -> std::process::ExitCode {
    cli::main()
}
