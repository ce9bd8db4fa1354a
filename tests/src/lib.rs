//! Shared code of the end-to-end tests: a real `jeroboam up` with a separate data folder, the real command line, the
//! Docker Engine, and ways to inject faults.
//!
//! Requires what `make test` prepares: a Docker Engine, the node image and the small test images, the built binaries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod api;
mod disk;
mod docker;
mod interposer;
mod living;
mod outage;
mod server;
mod session;
mod world;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub use api::Reply;
pub use disk::SmallDisk;
pub use docker::{Events, container_of, containers_of, docker_output, marked};
pub use interposer::{Interposer, Rule};
pub use living::Living;
pub use outage::Outage;
pub use server::{Server, Setup};
pub use session::Session;
pub use world::World;

/// Pause between two checks of a condition.
pub const LOOK: Duration = Duration::from_millis(50);

/// The result of a command.
#[derive(Debug)]
pub struct Answer {
    /// The command.
    pub command: String,
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Answer {
    fn new(command: &str, output: &Output) -> Self {
        Self {
            command: command.to_owned(),
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs any command that must succeed; returns its standard output.
pub fn run(program: &str, args: &[&str], environment: &[(&str, &Path)]) -> String {
    let output = Command::new(program)
        .args(args)
        .envs(environment.iter().copied())
        .output()
        .unwrap_or_else(|problem| panic!("{program} cannot be run (`make test` installs it): {problem}"));
    let answer = Answer::new(&format!("{program} {}", args.join(" ")), &output);
    assert_eq!(answer.code, 0, "{answer:?}");
    answer.out
}

/// Waits until `look` returns something.
pub fn eventually<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            println!("{:5.1} s until {what}", started.elapsed().as_secs_f32());
            return found;
        }
        assert!(started.elapsed() < patience, "timeout after {} s while waiting until {what}", patience.as_secs());
        sleep(LOOK);
    }
}

/// The path of a built program of this workspace: in the parent of the running test's folder.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join(name)
}

/// The cache folder of the scripts, as in `scripts/lib.sh`.
#[must_use]
pub fn cache() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("JEROBOAM_CACHE").unwrap_or_else(|| {
        set("XDG_CACHE_HOME").unwrap_or_else(|| set("HOME").expect("HOME is set").join(".cache")).join("jeroboam")
    })
}
