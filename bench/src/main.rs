//! Measures a built server on real clusters, and prints the table of the README as Markdown.
//!
//! `jeroboam-bench PROGRAM`, where the program is a built `jeroboam` with `jeroboam-node` next to it. It starts its own
//! servers, with separate data folders and ports, and removes everything that they created, also after a failure or an
//! interrupt. Progress goes to standard error, the table to standard output.
//!
//! | variable | what | default |
//! |---|---|---|
//! | `JEROBOAM_BENCH_RUNS` | number of measurements of each operation on a cluster, and of each load | 5 |
//! | `JEROBOAM_BENCH_POSTS` | number of clusters created on the simulated infrastructure | 200 |
//! | `JEROBOAM_BENCH_PARTS` | parts to measure: load, requests, idle, image, real, healing | all |
//! | `JEROBOAM_BENCH_DIR` | where the data folders are created | `/var/tmp` |
//!
//! - `image`: size of the node image.
//! - `real`: clusters on the Docker Engine: create, scale, delete; then start and memory of the server.
//! - `healing`: how fast lost nodes are detected and repaired.
//! - `comparison`: the clusters of `real` compared with the same programs started by hand, `hand`.
//! - `requests`: latency of the API.
//! - `idle`: resources of an idle server with many clusters.
//! - `load`: throughput of reads, with a database filled by `seed`.
//! - `server`: a server under measurement.
//! - `check`: checks of a cluster with kubectl and docker.
//! - `stages`: where the time of an operation goes.
//! - `machine`: the machine of the measurement.
//! - `report`: the tables.
// The table is printed on standard output.
#![allow(clippy::print_stdout)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod check;
mod comparison;
mod hand;
mod healing;
mod idle;
mod image;
mod load;
mod machine;
mod real;
mod report;
mod requests;
mod samples;
mod seed;
mod server;
mod stages;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use report::Report;
use tokio::signal::unix::{SignalKind, signal};

/// Timeout for everything: several times the duration on a small machine.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);
/// Not `/tmp`, which is in memory on many machines: the database must be on a disk.
const DEFAULT_DIR: &str = "/var/tmp";

/// What to measure, and how often.
pub(crate) struct Settings {
    /// The built server.
    pub(crate) program: PathBuf,
    /// Number of measurements of each operation on a cluster.
    pub(crate) runs: usize,
    /// Number of clusters created on the simulated infrastructure.
    pub(crate) posts: usize,
    /// Parts to measure, from [`PARTS`].
    parts: Vec<String>,
    /// Where the data folders are created.
    pub(crate) dir: PathBuf,
}

/// Parts that can be measured separately, in this order.
const PARTS: [&str; 6] = ["load", "requests", "idle", "image", "real", "healing"];

impl Settings {
    fn read() -> anyhow::Result<Self> {
        let program = std::env::args_os().nth(1).map(PathBuf::from).context("usage: jeroboam-bench PROGRAM")?;
        let number = |name: &str, default: usize| match std::env::var(name) {
            Ok(text) => match text.parse() {
                Ok(number) if number > 0 => Ok(number),
                _ => bail!("{name}: '{text}' is not a number from 1"),
            },
            Err(_) => Ok(default),
        };
        let parts = std::env::var("JEROBOAM_BENCH_PARTS").unwrap_or_else(|_| PARTS.join(","));
        let parts: Vec<String> = parts.split([',', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
            bail!("JEROBOAM_BENCH_PARTS: there is no part '{unknown}'; known parts: {}", PARTS.join(", "));
        }
        Ok(Self {
            parts,
            program: program.canonicalize().with_context(|| format!("looking for {}", program.display()))?,
            runs: number("JEROBOAM_BENCH_RUNS", 5)?,
            posts: number("JEROBOAM_BENCH_POSTS", 200)?,
            dir: std::env::var_os("JEROBOAM_BENCH_DIR").map_or_else(|| DEFAULT_DIR.into(), PathBuf::from),
        })
    }
}

/// Prints progress to standard error.
pub(crate) fn say(text: &str) {
    eprintln!("» {text}");
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let settings = Settings::read()?;
    let machine = machine::describe(&settings.dir);
    let mut report = Report::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    let result = runtime.block_on(async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        // In any case the servers are dropped, which removes what they created.
        tokio::select! {
            done = tokio::time::timeout(LIMIT, Box::pin(measure(&settings, &mut report))) => {
                done.with_context(|| format!("it took longer than {} s", LIMIT.as_secs()))?
            }
            _ = terminate.recv() => bail!("terminated"),
            _ = interrupt.recv() => bail!("interrupted"),
        }
    });
    // What was measured is worth printing, even when a later part failed.
    println!("{}\n{machine}", report.markdown());
    result
}

async fn measure(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    let is_wanted = |part: &str| settings.parts.iter().any(|wanted| wanted == part);
    if is_wanted("load") {
        load::measure(settings, report).await.context("measuring the throughput of reads")?;
    }
    if is_wanted("requests") {
        requests::measure(settings, report).await.context("measuring how fast the API answers")?;
    }
    if is_wanted("idle") {
        idle::measure(settings, report).await.context("measuring an idle server")?;
    }
    if is_wanted("image") {
        image::measure(report).context("measuring the node image")?;
    }
    if is_wanted("real") {
        real::measure(settings, report).await.context("measuring on the Docker Engine")?;
    }
    if is_wanted("healing") {
        healing::measure(settings, report).await.context("measuring automatic repairs")?;
    }
    Ok(())
}
