//! Process 1 of a container: starts the actual agent, reaps orphaned processes, and forwards signals.
//!
//! The agent itself must not be process 1: reaping all orphans with `waitpid(-1)` would also consume the exit codes of
//! its own children, which the agent needs to supervise them.

use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Signals that are forwarded to the agent.
const FORWARDED: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];

/// Runs until the agent exits and returns its exit code. The kernel then kills all remaining processes in the
/// container.
pub fn run() -> ExitCode {
    match supervise() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = std::io::Write::write_fmt(
                &mut std::io::stderr(),
                format_args!("jeroboam-node: cannot start the agent: {error}\n"),
            );
            ExitCode::FAILURE
        }
    }
}

fn supervise() -> std::io::Result<u8> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    FORWARDED.iter().for_each(|signal| signals.add(*signal));
    // Blocked before the child starts, so that no signal is lost. The agent unblocks them for itself.
    signals.thread_block()?;

    let agent = Command::new(std::env::current_exe()?).arg("run").spawn()?;
    let agent = Pid::from_raw(i32::try_from(agent.id()).map_err(std::io::Error::other)?);
    loop {
        match signals.wait()? {
            Signal::SIGCHLD => {
                if let Some(code) = reap(agent) {
                    return Ok(code);
                }
            }
            // The agent may have just exited; SIGCHLD then follows.
            signal => {
                let _ = kill(agent, signal);
            }
        }
    }
}

/// Reaps all exited children; returns the exit code if the agent was among them.
fn reap(agent: Pid) -> Option<u8> {
    let mut ended = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == agent => ended = Some(u8::try_from(code).unwrap_or(1)),
            // As in shells: 128 plus the signal's number.
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == agent => {
                ended = Some(u8::try_from(128 + signal as i32).unwrap_or(u8::MAX));
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return ended,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return ended,
        }
    }
}
