//! Measures the latency of the API while clusters are created and deleted on the simulated infrastructure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use jeroboam_client::Client;
use jeroboam_types::v1::ClusterCreate;

use crate::report::{Report, Unit};
use crate::samples::Samples;
use crate::server::Server;
use crate::{Settings, say};

/// Number of clusters that exist at a time. Together with those being deleted: fewer than the quota of a project.
const LIVING: usize = 4;
/// Number of clusters being deleted at a time.
const LEAVING: usize = 14;
/// Timeout for the deletion of a cluster; the simulated infrastructure takes seconds.
const GONE: Duration = Duration::from_secs(120);
/// Pause between two checks whether a cluster is gone.
const LOOK: Duration = Duration::from_millis(20);
/// Unmeasured requests at the start, which log in, open the connection and fill caches.
const WARM_UP: usize = 5;

/// Creates clusters one after the other, and measures only the time until each answer.
pub(crate) async fn measure(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(settings, &["--infrastructure", "simulated"]).await?;
    let result = with_client(&server.client()?, settings.posts, report).await;
    result.with_context(|| format!("the end of the server's log:\n{}", server.log_tail()))
}

async fn with_client(client: &Client, posts: usize, report: &mut Report) -> anyhow::Result<()> {
    for _ in 0..WARM_UP {
        client.clusters().await?;
    }
    say(&format!("asking for {posts} clusters"));
    let (mut post, mut get) = (Samples::default(), Samples::default());
    let (mut living, mut leaving) = (VecDeque::<String>::new(), VecDeque::<String>::new());
    for number in 0..posts {
        if living.len() == LIVING
            && let Some(cluster) = living.pop_front()
        {
            client.delete_cluster(&cluster).await?;
            leaving.push_back(cluster);
        }
        if leaving.len() == LEAVING
            && let Some(cluster) = leaving.pop_front()
        {
            until_gone(client, &cluster).await?;
        }
        let body = ClusterCreate {
            name: Some(format!("bench-{number}")),
            cluster_template_id: "kubernetes".to_owned(),
            master_count: Some(1),
            node_count: Some(2),
            ..ClusterCreate::default()
        };
        let begin = Instant::now();
        let accepted = client.create_cluster(&body).await?;
        post.add_millis(begin.elapsed());
        let begin = Instant::now();
        client.cluster(&accepted.cluster).await?;
        get.add_millis(begin.elapsed());
        living.push_back(accepted.cluster);
    }
    report.percentile("`POST /v1/clusters` answered", Unit::Millis, None, &post, 50);
    report.percentile("`POST /v1/clusters` answered", Unit::Millis, Some(15.0), &post, 99);
    report.percentile("`GET /v1/clusters/{id}` answered", Unit::Millis, None, &get, 50);
    report.percentile("`GET /v1/clusters/{id}` answered", Unit::Millis, None, &get, 99);
    Ok(())
}

/// Waits until a deleted cluster is gone.
async fn until_gone(client: &Client, cluster: &str) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        match client.cluster(cluster).await {
            Err(problem) if problem.is_not_found() => return Ok(()),
            other => drop(other?),
        }
        if begin.elapsed() > GONE {
            bail!("cluster {cluster} is not gone {} s after its DELETE", GONE.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
}
