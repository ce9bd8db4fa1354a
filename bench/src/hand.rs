//! Runs `bench/by-hand`, which starts the same programs without Jeroboam, and measures the memory of containers for
//! both.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::check::{Kind, containers_of};
use crate::say;
use crate::stages::{MASTER, WORKER};

/// The script. The bench runs in the checkout that it was built in.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/by-hand");
/// Idle time before a cluster's memory is read, so that the garbage of its start has been collected.
pub(crate) const REST: Duration = Duration::from_secs(20);
/// Timeout for the script's cleanup after SIGTERM, and the pause between two checks whether it has exited.
const STOP: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// Measurements of the programs started by hand.
pub(crate) struct ByHand {
    /// Version of the engine: of Kubernetes with a `v`.
    pub(crate) version: String,
    /// Seconds from the first `docker run` until all nodes are Ready.
    pub(crate) ready: f64,
    /// Seconds from the first `docker run` until the cluster can run workloads.
    pub(crate) seconds: f64,
    /// Seconds of preparation before that, for certificates and configuration.
    pub(crate) ahead: f64,
    /// Memory after [`REST`].
    pub(crate) memory: Memory,
}

/// Memory of containers, in MB: the proportional set sizes of all their processes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Memory of the master.
    pub(crate) master: f64,
    /// Memory of a worker: the mean of all.
    pub(crate) worker: f64,
}

/// Starts a cluster by hand, measures it and removes it.
pub(crate) async fn run(kind: Kind, rest: Duration) -> anyhow::Result<ByHand> {
    let answer = script([kind.template(), "--rest", &rest.as_secs().to_string()]).await?;
    let measured = parse(&answer).with_context(|| format!("{SCRIPT} printed: {answer}"))?;
    say(&format!("{} by hand took {:.1} s", kind.template(), measured.seconds));
    Ok(measured)
}

fn parse(answer: &str) -> anyhow::Result<ByHand> {
    let answer: Value = serde_json::from_str(answer)?;
    let number = |name: &str| answer[name].as_f64().with_context(|| format!("there is no number '{name}'"));
    Ok(ByHand {
        version: answer["version"].as_str().context("there is no version")?.to_owned(),
        ready: number("ready")?,
        seconds: number("seconds")?,
        ahead: number("ahead")?,
        memory: Memory { master: number("master_mb")?, worker: number("worker_mb")? },
    })
}

/// Memory of a cluster that Jeroboam created, measured by the same script.
pub(crate) async fn memory(cluster: &str) -> anyhow::Result<Memory> {
    Ok(Memory { master: mean(cluster, MASTER).await?, worker: mean(cluster, WORKER).await? })
}

async fn mean(cluster: &str, role: &str) -> anyhow::Result<f64> {
    let containers = containers_of(cluster, role)?;
    let mut sum = 0.0;
    for container in &containers {
        let answer = script(["memory", container]).await?;
        sum += answer.trim().parse::<f64>().with_context(|| format!("{SCRIPT} printed: {answer}"))?;
    }
    let count = u32::try_from(containers.len()).context("counting containers")?;
    if count == 0 {
        bail!("cluster {cluster} has no {role}");
    }
    Ok(sum / f64::from(count))
}

/// Runs the script and returns its standard output.
async fn script(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<String> {
    let child = Command::new(SCRIPT).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut running = Running(child.with_context(|| format!("starting {SCRIPT}"))?);
    let mut printed = String::new();
    if let Some(mut output) = running.0.stdout.take() {
        output.read_to_string(&mut printed).await.with_context(|| format!("reading the output of {SCRIPT}"))?;
    }
    let status = running.0.wait().await.with_context(|| format!("waiting for {SCRIPT}"))?;
    if !status.success() {
        bail!("{SCRIPT} failed: {status}");
    }
    Ok(printed)
}

/// The running script. If this is dropped early, the script gets SIGTERM and removes what it created.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // No id: it has exited and was waited for.
        let Some(id) = self.0.id() else { return };
        let _ = std::process::Command::new("kill").args(["-TERM", &id.to_string()]).status();
        let begin = std::time::Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && begin.elapsed() < STOP {
            std::thread::sleep(LOOK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_script_prints_is_read() {
        let line = r#"{"engine":"swarm","version":"26.1.5","ready":2.5,"seconds":2.9,"ahead":0.2,"master_mb":80.5,"worker_mb":79}"#;
        let measured = parse(line).unwrap();
        assert_eq!(measured.version, "26.1.5");
        assert!((measured.seconds - 2.9).abs() < f64::EPSILON && (measured.ahead - 0.2).abs() < f64::EPSILON);
        assert!((measured.memory.master - 80.5).abs() < f64::EPSILON);
        assert!((measured.memory.worker - 79.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_number_that_is_missing_is_named() {
        let problem = parse(r#"{"version":"26.1.5","ready":2.5,"seconds":2.9}"#).err().unwrap();
        assert_eq!(problem.to_string(), "there is no number 'ahead'");
    }
}
