//! Looks at running clusters now and then (contract magnum-v1 section 7.5).

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jeroboam_model::EngineKind;
use jeroboam_model::labels::is_watched_from_within;
use jeroboam_store::{ClusterRecord, Page, Scope};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::Conductor;

/// Clusters that are looked at side by side: each look may wait for a timeout.
const SIDE_BY_SIDE: usize = 16;
/// Clusters that are read at once.
const PAGE: u64 = 500;
/// Longest look at one cluster.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at all clusters every `health_interval` until `shutdown`.
pub(crate) async fn watch(conductor: Arc<Conductor>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(conductor.settings.health_interval) => {}
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = look_at_all(&conductor) => {}
        }
    }
}

async fn look_at_all(conductor: &Conductor) {
    let mut page = Page { limit: PAGE, ..Page::default() };
    loop {
        let records = match conductor.store.clusters(&Scope::All, &page).await {
            Ok(records) => records,
            Err(problem) => return warn!(%problem, "reading clusters to look at their health"),
        };
        let Some(last) = records.last().map(|record| record.cluster.uuid) else { return };
        let full = records.len() as u64 >= PAGE;
        futures::stream::iter(records)
            .for_each_concurrent(SIDE_BY_SIDE, |record| async move { look_at(conductor, record).await })
            .await;
        if !full {
            return;
        }
        page.marker = Some(last);
    }
}

/// A cluster that is being made or deleted has its operation to tell how it is, and one that is watched from within
/// an agent of its own.
async fn look_at(conductor: &Conductor, record: ClusterRecord) {
    let cluster = &record.cluster;
    let is_watched = cluster.engine == EngineKind::Kubernetes && is_watched_from_within(&cluster.labels);
    if cluster.status.is_in_progress() || cluster.api_address.is_none() || is_watched {
        return;
    }
    let Ok(access) = conductor.accesses.of(&record).await else { return };
    let look = conductor.engines.of(cluster.engine).health(&access);
    let (health, reason) = match tokio::time::timeout(PATIENCE, look).await {
        Ok(report) => (report.health, report.reason),
        Err(_) => (
            jeroboam_model::Health::Unknown,
            [("api".to_owned(), format!("no answer within {} s", PATIENCE.as_secs()))].into(),
        ),
    };
    if cluster.health == Some(health) && cluster.health_reason == reason {
        return;
    }
    debug!(cluster = %cluster.uuid, %health, "health has changed");
    if let Err(problem) = conductor.store.set_health(cluster.uuid, health, reason).await {
        warn!(cluster = %cluster.uuid, %problem, "writing down health");
    }
}
