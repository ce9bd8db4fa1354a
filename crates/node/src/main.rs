//! `jeroboam-node`, the agent on every machine of a cluster.
//!
//! As process 1 of a container it only manages processes and starts itself again as the actual agent; as a service on a
//! machine it is the agent directly.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("--version" | "-V") => {
            let _ = std::io::Write::write_fmt(
                &mut std::io::stdout(),
                format_args!("jeroboam-node {}\n", env!("CARGO_PKG_VERSION")),
            );
            ExitCode::SUCCESS
        }
        Some("run") => jeroboam_node::run(),
        None if std::process::id() == 1 => jeroboam_node::machine::init::run(),
        None => jeroboam_node::run(),
        Some(other) => {
            let _ = std::io::Write::write_fmt(
                &mut std::io::stderr(),
                format_args!("jeroboam-node: unknown argument {other:?}; usage: jeroboam-node [run | --version]\n"),
            );
            ExitCode::from(2)
        }
    }
}
