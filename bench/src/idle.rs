//! Measures an idle server with many clusters, and one after many clusters were created and deleted. On the simulated
//! infrastructure, which is in the server's own process.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt};
use jeroboam_client::Client;
use jeroboam_types::v1::{Cluster, ClusterCreate};

use crate::report::{Report, Unit};
use crate::samples::Samples;
use crate::server::Server;
use crate::{Settings, say};

/// Clusters of the idle server, each with one master and two workers.
const MANY: usize = 2000;
/// Clusters that are created and deleted.
const SOME: usize = 50;
/// Arguments of the server; the quota allows that many clusters.
const ARGUMENTS: &[&str] = &["--infrastructure", "simulated", "--quota-clusters", "2000"];
/// Concurrent requests.
const SIDE_BY_SIDE: usize = 8;
/// Timeout for all clusters.
const MADE: Duration = Duration::from_secs(1800);
/// Pause between two checks of all clusters.
const LOOK: Duration = Duration::from_secs(2);
/// Idle time before a measurement, and the period over which processor time is measured. The server checks all clusters
/// once a minute, so that one such check is included.
const MINUTE: Duration = Duration::from_secs(60);

/// Measures both, each with a server of its own.
pub(crate) async fn measure(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    let mut server = Server::start(settings, ARGUMENTS).await?;
    let result = come_and_go(&server, report).await;
    result.with_context(|| format!("the end of the server's log:\n{}", server.log_tail()))?;
    server.stop().await?;
    let server = Server::start(settings, ARGUMENTS).await?;
    let result = look_after(settings, &server, report).await;
    result.with_context(|| format!("the end of the server's log:\n{}", server.log_tail()))
}

async fn look_after(settings: &Settings, server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let client = server.client()?;
    make(&client, MANY).await?;
    tokio::time::sleep(MINUTE).await;
    let mut cores = Samples::default();
    for _ in 0..settings.runs {
        let before = server.processor_time()?;
        tokio::time::sleep(MINUTE).await;
        cores.add((server.processor_time()? - before).as_secs_f64() / MINUTE.as_secs_f64());
    }
    until(&client, "as they were", |clusters| clusters.len() == MANY && clusters.iter().all(is_well)).await?;
    report.median(
        &format!("processors that an idle server uses with {MANY} complete simulated clusters, their agents included"),
        Unit::Cores,
        Some(0.05),
        &cores,
    );
    Ok(())
}

async fn come_and_go(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let client = server.client()?;
    make(&client, SOME).await?;
    for cluster in client.clusters().await? {
        client.delete_cluster(&cluster.uuid).await?;
    }
    until(&client, "gone", <[Cluster]>::is_empty).await?;
    tokio::time::sleep(MINUTE).await;
    let (mut all, mut own) = (Samples::default(), Samples::default());
    all.add(server.memory("VmRSS")?);
    own.add(server.memory("RssAnon")?);
    let what = format!("memory of a server after {SOME} simulated clusters were created and deleted");
    report.median(&what, Unit::Megabytes, Some(50.0), &all);
    report.median("of that anonymous, the rest is the program's file", Unit::Megabytes, None, &own);
    Ok(())
}

/// Creates this number of clusters, and waits until all are complete and healthy.
async fn make(client: &Client, count: usize) -> anyhow::Result<()> {
    say(&format!("asking for {count} clusters"));
    let make = |number: usize| async move {
        let body = ClusterCreate {
            name: Some(format!("bench-{number}")),
            cluster_template_id: "kubernetes".to_owned(),
            master_count: Some(1),
            node_count: Some(2),
            ..ClusterCreate::default()
        };
        client.create_cluster(&body).await.map(|_| ())
    };
    futures::stream::iter(0..count).map(make).buffer_unordered(SIDE_BY_SIDE).try_collect::<()>().await?;
    until(client, "complete and well", |clusters| clusters.iter().filter(|cluster| is_well(cluster)).count() == count)
        .await
}

fn is_well(cluster: &Cluster) -> bool {
    cluster.status == "CREATE_COMPLETE" && cluster.health_status.as_deref() == Some("HEALTHY")
}

async fn until(client: &Client, what: &str, holds: impl Fn(&[Cluster]) -> bool) -> anyhow::Result<()> {
    let begin = Instant::now();
    while !holds(&client.clusters().await?) {
        if begin.elapsed() > MADE {
            bail!("the clusters are not {what} after {} s", MADE.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
    say(&format!("the clusters are {what} after {:.0} s", begin.elapsed().as_secs_f64()));
    Ok(())
}
