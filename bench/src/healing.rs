//! Measures how fast lost nodes are detected and repaired, on clusters of the Docker Engine.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use jeroboam_types::operation::{OperationKind, OperationStatus};

use crate::check::{Access, Kind, containers_of, inspect, run};
use crate::real::Bench;
use crate::report::{Report, Unit};
use crate::samples::Samples;
use crate::server::Server;
use crate::stages::{MASTER, Stages, WORKER};
use crate::{Settings, say};

/// Timeout of every wait: far more than any target.
const PATIENCE: Duration = Duration::from_secs(180);
/// Pause between two checks of a cluster from outside.
const LOOK: Duration = Duration::from_millis(50);
/// Pause after a repair: longer than the server's own pause before the next one, which must not be measured.
const REST: Duration = Duration::from_secs(10);

/// Measurements of clusters of one kind.
#[derive(Default)]
struct Measured {
    seen: Samples,
    replaced: Samples,
    replaced_stages: Stages,
    started: Samples,
}

/// Measures everything with one server.
pub(crate) async fn measure(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::on_docker(settings).await?;
    let result = with_server(settings, &server, report).await;
    result.with_context(|| format!("the end of the server's log:\n{}", server.log_tail()))
}

async fn with_server(settings: &Settings, server: &Server, report: &mut Report) -> anyhow::Result<()> {
    for (kind, goal) in [(Kind::Kubernetes, 30.0), (Kind::Swarm, 15.0)] {
        let bench = Bench::new(server, kind)?;
        let mut measured = Measured::default();
        // A new cluster for each run: the server increases the pause between repairs of the same cluster.
        for _ in 0..settings.runs {
            let cluster = bench.create().await?.operation.cluster_uuid.to_string();
            let cluster = Cluster { bench: &bench, access: bench.access().await?, uuid: cluster };
            cluster.until("healthy", Instant::now(), async || cluster.has_health("HEALTHY").await).await?;
            cluster.lose_worker(&mut measured).await?;
            tokio::time::sleep(REST).await;
            cluster.kill_master(&mut measured).await?;
            bench.delete().await?;
        }
        let title = kind.title();
        let lost = format!("{title}: worker removed with its disk, until it is detected");
        report.median(&lost, Unit::Seconds, Some(10.0), &measured.seen);
        let replaced = format!("{title}: the same, until another one is ready in its place");
        report.median(&replaced, Unit::Seconds, Some(goal), &measured.replaced);
        report.stages(&replaced, measured.replaced_stages);
        let started = format!("{title}: master killed, until it is started again and its API answers");
        report.median(&started, Unit::Seconds, Some(10.0), &measured.started);
    }
    Ok(())
}

/// A cluster in which nodes fail.
struct Cluster<'a> {
    bench: &'a Bench<'a>,
    access: Access,
    uuid: String,
}

impl Cluster<'_> {
    /// Removes a worker's container and disk without the server.
    async fn lose_worker(&self, measured: &mut Measured) -> anyhow::Result<()> {
        let before = containers_of(&self.uuid, WORKER)?;
        let worker = before.first().context("the cluster has no worker")?;
        let disk = inspect(worker, r#"{{range .Mounts}}{{if eq .Destination "/var"}}{{.Name}}{{end}}{{end}}"#)?;
        let begin = Instant::now();
        run(Command::new("docker").args(["rm", "--force", worker]))?;
        // Docker refuses this while a container uses it; success shows that the container is gone and not replaced yet.
        run(Command::new("docker").args(["volume", "rm", &disk]))?;
        measured.seen.add_seconds(self.until("unhealthy", begin, async || self.has_health("UNHEALTHY").await).await?);
        let is_replaced = async || {
            let now = containers_of(&self.uuid, WORKER)?;
            let is_back = now.len() == before.len() && !now.contains(worker);
            Ok(is_back && self.has_health("HEALTHY").await? && self.access.ready_nodes()? == before.len() + 1)
        };
        measured.replaced.add_seconds(self.until("whole again", begin, is_replaced).await?);
        let repair = self.repair().await?;
        measured.replaced_stages.add(&repair);
        Ok(())
    }

    /// Kills the master's container.
    async fn kill_master(&self, measured: &mut Measured) -> anyhow::Result<()> {
        let masters = containers_of(&self.uuid, MASTER)?;
        let master = masters.first().context("the cluster has no master")?;
        let started_at = inspect(master, "{{.State.StartedAt}}")?;
        let begin = Instant::now();
        run(Command::new("docker").args(["kill", master]))?;
        ensure!(inspect(master, "{{.State.Running}}")? == "false", "the master still runs after it was killed");
        let is_back = async || Ok(inspect(master, "{{.State.StartedAt}}")? != started_at && self.access.answers());
        measured.started.add_seconds(self.until("reached again", begin, is_back).await?);
        let is_healthy = async || Ok(self.has_health("HEALTHY").await? && self.repair().await.is_ok());
        self.until("healthy again", begin, is_healthy).await?;
        Ok(())
    }

    async fn has_health(&self, health: &str) -> anyhow::Result<bool> {
        Ok(self.bench.client.cluster(&self.bench.name).await?.health_status.as_deref() == Some(health))
    }

    /// The latest operation, which must be a successful automatic repair, with its steps.
    async fn repair(&self) -> anyhow::Result<jeroboam_types::operation::Operation> {
        let newest = self.bench.client.operations(Some(&self.bench.name)).await?.into_iter().next();
        let newest = newest.context("the cluster has no operation")?;
        if newest.kind != OperationKind::Repair || newest.status != OperationStatus::Succeeded {
            bail!("the newest operation is a {} that is {}", newest.kind, newest.status);
        }
        Ok(self.bench.client.operation(newest.uuid).await?)
    }

    /// Waits until a condition holds; returns the time since `begin`.
    async fn until(
        &self,
        what: &str,
        begin: Instant,
        holds: impl AsyncFn() -> anyhow::Result<bool>,
    ) -> anyhow::Result<Duration> {
        while !holds().await? {
            if begin.elapsed() > PATIENCE {
                bail!("{} is not {what} after {} s", self.bench.name, PATIENCE.as_secs());
            }
            tokio::time::sleep(LOOK).await;
        }
        let took = begin.elapsed();
        say(&format!("{} is {what} after {:.1} s", self.bench.name, took.as_secs_f64()));
        Ok(took)
    }
}
