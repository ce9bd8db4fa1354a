//! Measures a built server on real clusters, and prints the table of the README as Markdown.
//!
//! `jeroboam-bench PROGRAM`, where the program is a built `jeroboam` with `jeroboam-node` beside it. It starts its own
//! servers, with data folders and ports of their own, and takes away everything that they made, also when something
//! fails or it is interrupted. Progress goes to standard error, the table to standard output.
//!
//! | variable | what | default |
//! |---|---|---|
//! | `JEROBOAM_BENCH_RUNS` | how often each operation on a cluster, and each load, is measured | 5 |
//! | `JEROBOAM_BENCH_POSTS` | how many clusters are asked for on the simulated infrastructure | 200 |
//! | `JEROBOAM_BENCH_PARTS` | which of the parts load, requests, idle, image, real, healing are measured | all |
//! | `JEROBOAM_BENCH_DIR` | where the data folders are made | `/var/tmp` |
//!
//! - `image`: how big the image of nodes is.
//! - `real`: clusters on the Docker Engine: create, scale, delete; then start and memory of the server.
//! - `healing`: how soon what is lost there is seen and back.
//! - `comparison`: the same clusters beside the same programs started by hand, `hand`.
//! - `requests`: how fast the API answers.
//! - `idle`: what a server takes that has much to look after and nothing to do.
//! - `load`: how many reads it answers at a time, with the full database that `seed` makes.
//! - `server`: a server under measurement.
//! - `check`: what kubectl and docker say about a cluster.
//! - `stages`: where the time of an operation goes.
//! - `machine`: what the numbers were measured on.
//! - `report`: the tables.
// The table on standard output is what this is for.
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

/// How long all of it may take: several times what it takes on a small machine.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);
/// Never in memory, unlike `/tmp` on many machines: the database is to be on a disk.
const DEFAULT_DIR: &str = "/var/tmp";

/// What is asked for.
pub(crate) struct Settings {
    /// The built server.
    pub(crate) program: PathBuf,
    /// How often each operation on a cluster is measured.
    pub(crate) runs: usize,
    /// How many clusters are asked for on the simulated infrastructure.
    pub(crate) posts: usize,
    /// Which parts are measured: of [`PARTS`].
    parts: Vec<String>,
    /// Where the data folders are made.
    pub(crate) dir: PathBuf,
}

/// What can be measured by itself, in this order.
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
            bail!("JEROBOAM_BENCH_PARTS: there is no part '{unknown}', but {}", PARTS.join(", "));
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

/// Says on standard error what is going on.
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
        // Whatever ends this drops the servers, and with them what they made.
        tokio::select! {
            done = tokio::time::timeout(LIMIT, Box::pin(measure(&settings, &mut report))) => {
                done.with_context(|| format!("it took longer than {} s", LIMIT.as_secs()))?
            }
            _ = terminate.recv() => bail!("told to stop"),
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
        load::measure(settings, report).await.context("measuring how many reads the API answers")?;
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
        healing::measure(settings, report).await.context("measuring how soon what is lost is back")?;
    }
    Ok(())
}
