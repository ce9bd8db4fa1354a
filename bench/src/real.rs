//! Clusters on the Docker Engine: create, scale, delete; then start and memory of the server.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::StreamExt;
use jeroboam_client::Client;
use jeroboam_client::cluster::Accepted;
use jeroboam_types::operation::{Operation, OperationStatus};
use jeroboam_types::v1::{ClusterCreate, ResizeRequest};

use crate::check::{Access, Kind, left_of};
use crate::comparison::{Comparison, Goals};
use crate::report::{Report, Unit};
use crate::samples::Samples;
use crate::server::Server;
use crate::stages::Stages;
use crate::{Settings, hand, say};

/// Timeout of one operation: far more than any target.
const OPERATION: Duration = Duration::from_secs(180);
/// Pause between two checks of a cluster from outside.
const LOOK: Duration = Duration::from_millis(50);
/// Idle time before the server's memory is read. Longer than the minute between two health checks, so that one of them
/// is included.
const IDLE: Duration = Duration::from_secs(70);
/// Number of workers of a cluster.
const WORKERS: u32 = 2;
/// Number of workers after scaling up.
const MORE_WORKERS: u32 = 4;

/// Measures everything with one server.
pub(crate) async fn measure(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    let mut server = Server::on_docker(settings).await?;
    let result = with_server(settings, &mut server, report).await;
    result.with_context(|| format!("the end of the server's log:\n{}", server.log_tail()))
}

async fn with_server(settings: &Settings, server: &mut Server, report: &mut Report) -> anyhow::Result<()> {
    for (kind, goals) in [
        (Kind::Kubernetes, Goals { seconds: 8.0, times: 1.5, is_either: false }),
        (Kind::Swarm, Goals { seconds: 4.0, times: 1.3, is_either: true }),
    ] {
        let bench = Bench::new(server, kind)?;
        bench.life(settings.runs, &goals, report).await?;
    }
    memory(server, "its memory, idle, two clusters, after all of the above", Some(50.0), report).await?;
    let mut start = Samples::default();
    for _ in 0..settings.runs {
        server.stop().await?;
        start.add_millis(server.run().await?);
    }
    report.median(
        "`jeroboam up` from start to first 200, two clusters in the database",
        Unit::Millis,
        Some(300.0),
        &start,
    );
    memory(server, "its memory, idle, two clusters, started again", Some(50.0), report).await?;
    for kind in [Kind::Kubernetes, Kind::Swarm] {
        Bench::new(server, kind)?.delete().await?;
    }
    Ok(())
}

async fn memory(server: &Server, what: &str, goal: Option<f64>, report: &mut Report) -> anyhow::Result<()> {
    say(&format!("leaving the server alone for {} s", IDLE.as_secs()));
    tokio::time::sleep(IDLE).await;
    for (field, what, goal) in [
        ("VmRSS", what.to_owned(), goal),
        ("RssAnon", "of that anonymous, the rest is the program's file".to_owned(), None),
        ("VmHWM", "peak".to_owned(), None),
    ] {
        let mut samples = Samples::default();
        samples.add(server.memory(field)?);
        report.median(&what, Unit::Megabytes, goal, &samples);
    }
    Ok(())
}

/// Clusters of one kind on one server.
pub(crate) struct Bench<'a> {
    server: &'a Server,
    pub(crate) client: Client,
    kind: Kind,
    pub(crate) name: String,
}

/// The duration of an operation, and the operation.
pub(crate) struct Measured {
    took: Duration,
    pub(crate) operation: Operation,
}

impl<'a> Bench<'a> {
    /// Connects to the server for clusters of this kind.
    pub(crate) fn new(server: &'a Server, kind: Kind) -> anyhow::Result<Self> {
        Ok(Self { server, client: server.client()?, kind, name: format!("bench-{}", kind.template()) })
    }

    /// Creates and deletes a cluster, in turns with the same programs started by hand, then scales up and down. The
    /// last cluster stays, with the usual number of nodes.
    async fn life(&self, runs: usize, goals: &Goals, report: &mut Report) -> anyhow::Result<()> {
        let (mut delete, mut up, mut down) = Default::default();
        let (mut create_stages, mut delete_stages, mut up_stages, mut down_stages) =
            <(Stages, Stages, Stages, Stages)>::default();
        let mut comparison = Comparison::default();
        // An unmeasured run first, so that the programs' files are in the page cache.
        hand::run(self.kind, Duration::ZERO).await?;
        for _ in 0..runs {
            let by_hand = hand::run(self.kind, hand::REST).await?;
            let Measured { took, operation } = self.create().await?;
            create_stages.add(&operation);
            tokio::time::sleep(hand::REST).await;
            comparison.add(by_hand, took, hand::memory(&operation.cluster_uuid.to_string()).await?);
            self.delete().await?.put(&mut delete, &mut delete_stages);
        }
        self.create().await?;
        for _ in 0..runs {
            self.scale(MORE_WORKERS).await?.put(&mut up, &mut up_stages);
            self.scale(WORKERS).await?.put(&mut down, &mut down_stages);
        }
        let create = comparison.report(self.kind, goals, report);
        report.stages(&create, create_stages);
        let title = self.kind.title();
        for (what, goal, samples, stages) in [
            (format!("{title}: delete, down to the last container and network"), Some(5.0), delete, delete_stages),
            (format!("{title}: scale from 2 to 4 nodes"), Some(8.0), up, up_stages),
            (format!("{title}: scale from 4 to 2 nodes"), None, down, down_stages),
        ] {
            report.median(&what, Unit::Seconds, goal, &samples);
            report.stages(&what, stages);
        }
        Ok(())
    }

    /// Creates a cluster of one master and the usual workers.
    pub(crate) async fn create(&self) -> anyhow::Result<Measured> {
        let body = ClusterCreate {
            name: Some(self.name.clone()),
            cluster_template_id: self.kind.template().to_owned(),
            master_count: Some(1),
            node_count: Some(WORKERS.into()),
            ..ClusterCreate::default()
        };
        let begin = Instant::now();
        let accepted = self.client.create_cluster(&body).await?;
        let measured = self.end_of(begin, accepted).await?;
        self.until_ready(begin, measured, WORKERS, "CREATE_COMPLETE").await
    }

    /// Access to the cluster without the server.
    pub(crate) async fn access(&self) -> anyhow::Result<Access> {
        let cluster = self.client.cluster(&self.name).await?;
        let api_address = cluster.api_address.context("the cluster has no API address")?;
        Access::get(self.server, self.kind, &self.name, &api_address)
    }

    async fn scale(&self, workers: u32) -> anyhow::Result<Measured> {
        let body = ResizeRequest { node_count: workers.into(), nodes_to_remove: Vec::new(), nodegroup: None };
        let begin = Instant::now();
        let accepted = self.client.resize_cluster(&self.name, &body).await?;
        let measured = self.end_of(begin, accepted).await?;
        self.until_ready(begin, measured, workers, "UPDATE_COMPLETE").await
    }

    /// Deletes the cluster, down to the last container and network.
    pub(crate) async fn delete(&self) -> anyhow::Result<Measured> {
        let begin = Instant::now();
        let accepted = self.client.delete_cluster(&self.name).await?;
        let measured = self.end_of(begin, accepted).await?;
        let cluster = measured.operation.cluster_uuid.to_string();
        let took = self.until(begin, measured.took, || Ok(left_of(&cluster)? == 0)).await?;
        Ok(Measured { took, ..measured })
    }

    /// Follows the accepted operation until it finishes.
    async fn end_of(&self, begin: Instant, accepted: Accepted) -> anyhow::Result<Measured> {
        let uuid = accepted.operation.context("the answer names no operation")?;
        let follow = async {
            let mut states = Box::pin(self.client.watch_operation(uuid));
            while let Some(state) = states.next().await {
                let operation = state?;
                if operation.status.is_final() {
                    return Ok(Measured { took: begin.elapsed(), operation });
                }
            }
            bail!("the events of operation {uuid} ended before it did")
        };
        let measured = tokio::time::timeout(OPERATION, follow)
            .await
            .with_context(|| format!("operation {uuid} did not finish within {} s", OPERATION.as_secs()))??;
        let operation = &measured.operation;
        if operation.status != OperationStatus::Succeeded {
            let cause = operation.cause.as_ref().map(|cause| cause.message.clone()).unwrap_or_default();
            bail!("the {} of {} is {}: {cause}", operation.kind, self.name, operation.status);
        }
        Ok(measured)
    }

    /// Waits until the cluster that the server reports as complete is ready for its users.
    async fn until_ready(
        &self,
        begin: Instant,
        measured: Measured,
        workers: u32,
        status: &str,
    ) -> anyhow::Result<Measured> {
        let cluster = self.client.cluster(&self.name).await?;
        if cluster.status != status {
            bail!("{} is {}, not {status}", self.name, cluster.status);
        }
        let access = self.access().await?;
        let wanted = usize::try_from(workers).unwrap_or_default() + 1;
        let took = self.until(begin, measured.took, || Ok(access.ready_nodes()? == wanted)).await?;
        say(&format!("{} {} took {:.1} s", self.name, measured.operation.kind, took.as_secs_f64()));
        Ok(Measured { took, ..measured })
    }

    /// The time from `begin` until `holds`: `known` if it holds at the first check from outside.
    async fn until(
        &self,
        begin: Instant,
        known: Duration,
        holds: impl Fn() -> anyhow::Result<bool>,
    ) -> anyhow::Result<Duration> {
        if holds()? {
            return Ok(known);
        }
        loop {
            tokio::time::sleep(LOOK).await;
            if holds()? {
                let took = begin.elapsed();
                say(&format!(
                    "{} was reported complete {:.2} s before it was ready from outside",
                    self.name,
                    took.saturating_sub(known).as_secs_f64()
                ));
                return Ok(took);
            }
            if begin.elapsed() > OPERATION {
                bail!("{} is not in the state that the server reports", self.name);
            }
        }
    }
}

impl Measured {
    fn put(&self, samples: &mut Samples, stages: &mut Stages) {
        samples.add_seconds(self.took);
        stages.add(&self.operation);
    }
}
