//! Clusters heal automatically: starts a repair when something has been wrong for long enough. The repair is an
//! operation like any other, planned and recorded step by step.
//!
//! Rules that keep healing from making an outage worse: no repair while another operation runs on the cluster, pauses
//! that grow with the number of recent repairs, a limit per day. No repair where a label switches it off, where the
//! cluster is paused, or while it is not known whether the database is the right one.

use std::time::Duration;

use jeroboam_model::condition::Finding;
use jeroboam_model::healing::{self, DAY};
use jeroboam_model::labels::heals_by_itself;
use jeroboam_model::status::Request;
use jeroboam_model::validate::Limits;
use jeroboam_model::{Code, OperationKind, OperationStatus, QuotaDefaults, kubernetes};
use jeroboam_store::{ClusterRecord, HEALER, NewOperation, StoreError};
use jiff::SignedDuration;
use tracing::{info, warn};
use uuid::Uuid;

use crate::Conductor;

/// How long a repair may take.
const DEADLINE: SignedDuration = SignedDuration::from_mins(20);

/// Between two checks while it is not known whether the database is the right one, and while the deployment is held.
const GATE_PAUSE: Duration = Duration::from_secs(10);
const HELD_PAUSE: Duration = Duration::from_secs(60);

/// After its start a conductor does not count a silent agent as a fault for this long: agents reconnect one by one.
const FIRST_WORDS: Duration = Duration::from_secs(45);

/// Starts a repair if one is due; otherwise returns the time until one may be.
pub(crate) async fn see_to(
    conductor: &Conductor,
    record: &ClusterRecord,
    findings: &[Finding],
    seen: &[Duration],
) -> Option<Duration> {
    let running_for = conductor.started.elapsed();
    let waits = findings.iter().zip(seen).map(|(finding, seen)| {
        let first = if is_silence(finding) { FIRST_WORDS.saturating_sub(running_for) } else { Duration::ZERO };
        patience(finding).saturating_sub(*seen).max(first)
    });
    let wait = waits.min()?;
    if !may_repair(record) || findings.iter().any(|finding| !finding.is_repairable()) {
        return None;
    }
    if !conductor.settings.gate.is_open() {
        return Some(wait.max(GATE_PAUSE));
    }
    if !wait.is_zero() {
        return Some(wait);
    }
    let cluster = record.cluster.uuid;
    let now = conductor.clock.now();
    let past = match conductor.store.repairs_since(cluster, now.saturating_sub(DAY).unwrap_or(now)).await {
        Ok(past) => past,
        Err(problem) => {
            warn!(%cluster, %problem, "reading a cluster's repairs");
            return None;
        }
    };
    if let Some(wait) = healing::wait(&past, now) {
        return Duration::try_from(wait.end().duration_since(now)).ok();
    }
    match conductor.store.request_repair(record.id(), operation(record)).await {
        Ok(operation) => {
            // Only a repair that was just queued is logged, not one that runs already.
            if let Some(first) = findings.first().filter(|_| operation.status == OperationStatus::Queued) {
                let node = first.node.as_deref().unwrap_or("-");
                info!(%cluster, operation = %operation.uuid, node, code = first.cause.code, "repair requested");
            }
        }
        // Another operation was requested concurrently, or the cluster is gone.
        Err(StoreError::NotAllowed { .. } | StoreError::NotFound { .. }) => {}
        // The operator has to choose first; the lookout reports that.
        Err(StoreError::Held { .. }) => return Some(HELD_PAUSE),
        Err(problem) => warn!(%cluster, %problem, "requesting a repair"),
    }
    None
}

fn is_silence(finding: &Finding) -> bool {
    matches!(finding.cause.kind(), Some(Code::AgentSilent | Code::MachinePaused))
}

fn patience(finding: &Finding) -> Duration {
    Duration::try_from(finding.grace()).unwrap_or_default()
}

/// Whether the cluster may be repaired automatically.
fn may_repair(record: &ClusterRecord) -> bool {
    let cluster = &record.cluster;
    cluster.status.allows(Request::Repair)
        && cluster.paused_at.is_none()
        && heals_by_itself(&cluster.labels)
        && kubernetes::too_old(cluster).is_none()
}

fn operation(record: &ClusterRecord) -> NewOperation {
    NewOperation {
        kind: OperationKind::Repair,
        project_id: record.cluster.project_id.clone(),
        user_id: HEALER.to_owned(),
        request_id: format!("req-{}", Uuid::new_v4()),
        deadline: Some(DEADLINE),
        quotas: QuotaDefaults::default(),
        limits: Limits::default(),
        replace_data: false,
    }
}
