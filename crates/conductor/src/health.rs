//! Checks a running cluster: reports its health (contract magnum-v1 section 7.5), and has it repaired when something
//! is missing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jeroboam_engine::HealthReport;
use jeroboam_infra::Observation;
use jeroboam_model::condition::{self, Facts, Finding};
use jeroboam_model::labels::is_watched_from_within;
use jeroboam_model::node::{EngineView, engine_view};
use jeroboam_model::plan::MachineState;
use jeroboam_model::{CauseExt, Code, EngineKind, Health, NodeRole};
use jeroboam_store::{ClusterRecord, Scope, StoreError};
use jeroboam_types::agent::EngineNodeState;
use tokio::time::Instant;
use tracing::{debug, warn};
use uuid::Uuid;

use crate::{Conductor, healing};

/// Timeout of one health request to a cluster's engine.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two requests to an engine whose state no master reports.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// Pause after a check that failed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// What is remembered between checks.
#[derive(Debug, Default)]
pub(crate) struct Eyes(Mutex<HashMap<Uuid, Known>>);

#[derive(Debug, Default)]
struct Known {
    /// When this conductor first saw each finding that still holds.
    since: BTreeMap<What, Instant>,
    /// When the engine was queried last, and whether it answered.
    asked: Option<(Instant, bool)>,
}

/// What identifies a finding: the node's name and the code.
type What = (Option<String>, String);

impl Eyes {
    /// Remembers these findings and forgets the cluster's others; returns how long each has been seen.
    fn see(&self, cluster: Uuid, findings: &[Finding]) -> Vec<Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(cluster).or_default();
        let now = Instant::now();
        let what = |finding: &Finding| (finding.node.clone(), finding.cause.code.clone());
        let since = |finding: &Finding| (what(finding), known.since.get(&what(finding)).copied().unwrap_or(now));
        known.since = findings.iter().map(since).collect();
        findings.iter().map(|finding| now.duration_since(known.since[&what(finding)])).collect()
    }

    /// How long ago the engine was queried last, and whether it answered.
    fn asked(&self, cluster: Uuid) -> Option<(Duration, bool)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&cluster).and_then(|known| known.asked).map(|(at, answered)| (at.elapsed(), answered))
    }

    /// Records that the engine was queried just now.
    fn keep(&self, cluster: Uuid, answered: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(cluster).or_default().asked = Some((Instant::now(), answered));
    }

    fn forget(&self, cluster: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&cluster);
    }
}

/// Checks a cluster; returns the time until its next check, if that is known.
pub(crate) async fn look_at(conductor: &Conductor, eyes: &Eyes, cluster: Uuid) -> Option<Duration> {
    let record = match conductor.store.cluster_by_uuid(&Scope::All, cluster).await {
        Ok(record) => record,
        Err(StoreError::NotFound { .. }) => {
            eyes.forget(cluster);
            return None;
        }
        Err(problem) => {
            warn!(%cluster, %problem, "reading a cluster to look at it");
            return Some(LOOK_AGAIN);
        }
    };
    if !is_looked_at(&record, conductor.infra.name()) {
        eyes.forget(cluster);
        return None;
    }
    let observation = match conductor.infra.observe(cluster).await {
        Ok(observation) => observation,
        Err(cause) => {
            debug!(%cluster, cause = cause.one_line(), "the cluster cannot be observed");
            return Some(LOOK_AGAIN);
        }
    };
    let authorities = conductor.store.authorities_generation(record.id()).await.ok()?;
    let now = conductor.clock.now();
    let found = |engine: Option<&EngineView>| {
        condition::findings(&Facts {
            status: record.cluster.status,
            nodes: &record.nodes,
            network: observation.network.is_some(),
            machines: &states(&observation),
            disks: &observation.disks,
            authorities,
            engine,
            now,
        })
    };
    let told = engine_view(&record.nodes, now);
    let known = found(told);
    let asked = eyes.asked(cluster);
    let mut is_old = false;
    let report = match told {
        _ if !has_master(&record, &known) => unreachable(),
        // Masters push their reports. Whether the engine also answers us is checked now and then.
        Some(view) if asked.is_some_and(|(ago, answered)| answered && ago < conductor.settings.health_interval) => {
            as_told(view)
        }
        _ if asked.is_some_and(|(ago, _)| ago < ASK_AGAIN) => {
            is_old = true;
            kept(&record)
        }
        _ => {
            // Findings known without the engine are reported at once: a request to an engine that hangs takes a while.
            if !known.is_empty() && record.cluster.health != Some(Health::Unhealthy) {
                say(conductor, &record, overlay(kept(&record), &known)).await;
            }
            let report = ask_engine(conductor, &record).await;
            eyes.keep(cluster, views(&report).is_some());
            report
        }
    };
    let answered = views(&report);
    let findings = found(told.or(answered.as_ref()));
    say(conductor, &record, overlay(report, &findings)).await;
    let seen = eyes.see(cluster, &findings);
    let again = is_old.then_some(ASK_AGAIN);
    match (healing::see_to(conductor, &record, &findings, &seen).await, again) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Not checked are clusters with an operation in progress (the operation reports their state), those that an agent in
/// the cluster watches, and those on another infrastructure, which cannot be seen from here.
fn is_looked_at(record: &ClusterRecord, here: &str) -> bool {
    let cluster = &record.cluster;
    let is_here = cluster.infrastructure.as_deref().is_none_or(|there| there == here);
    let is_watched = cluster.engine == EngineKind::KUBERNETES && is_watched_from_within(&cluster.labels);
    is_here && !cluster.status.is_in_progress() && cluster.api_address.is_some() && !is_watched
}

fn states(observation: &Observation) -> BTreeMap<Uuid, MachineState> {
    observation.machines.iter().map(|(node, machine)| (*node, machine.state)).collect()
}

/// Whether any master may answer.
fn has_master(record: &ClusterRecord, known: &[Finding]) -> bool {
    let is_down = |name: &str| {
        let of_node = known.iter().filter(|finding| finding.node.as_deref() == Some(name));
        of_node.filter_map(|finding| finding.cause.kind()).any(is_machine)
    };
    let is_missing = known.iter().any(|finding| finding.cause.kind() == Some(Code::ClusterMissing));
    !is_missing && record.nodes.iter().any(|node| node.role == NodeRole::Master && !is_down(&node.name))
}

/// Whether the finding concerns a node's machine.
fn is_machine(code: Code) -> bool {
    matches!(code, Code::MachineGone | Code::MachinePaused | Code::MachineStopped | Code::MachineUnfit)
}

async fn ask_engine(conductor: &Conductor, record: &ClusterRecord) -> HealthReport {
    let engine = conductor.engines.of(record.cluster.engine);
    let (access, engine) = match (conductor.accesses.of(record).await, engine) {
        (Ok(access), Ok(engine)) => (access, engine),
        (Err(cause), _) | (_, Err(cause)) => return unknown(cause.message),
    };
    match tokio::time::timeout(PATIENCE, engine.health(&access)).await {
        Ok(report) => report,
        Err(_) => unknown(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

fn unknown(why: String) -> HealthReport {
    HealthReport { health: Health::Unknown, reason: [("api".to_owned(), why)].into(), version: None, runtime: None }
}

fn unreachable() -> HealthReport {
    HealthReport { health: Health::Unhealthy, ..unknown("no master runs".to_owned()) }
}

/// The cluster's health from a master's report of the engine's nodes.
fn as_told(view: &EngineView) -> HealthReport {
    let is_healthy = !view.is_empty() && view.values().all(|node| node.ready);
    let of_node = |(name, node): (&String, &EngineNodeState)| {
        (format!("{name}.Ready"), if node.ready { "True" } else { "False" }.to_owned())
    };
    let api = ("api".to_owned(), "ok".to_owned());
    HealthReport {
        health: if is_healthy { Health::Healthy } else { Health::Unhealthy },
        reason: view.iter().map(of_node).chain([api]).collect(),
        version: None,
        runtime: None,
    }
}

/// The health that was recorded last.
fn kept(record: &ClusterRecord) -> HealthReport {
    HealthReport {
        health: record.cluster.health.unwrap_or(Health::Unknown),
        reason: record.cluster.health_reason.clone(),
        version: None,
        runtime: None,
    }
}

/// The engine's nodes as in its report; `None` if its API did not answer.
fn views(report: &HealthReport) -> Option<EngineView> {
    if report.reason.get("api").is_none_or(|api| api != "ok") {
        return None;
    }
    let view = |(key, value): (&String, &String)| {
        let node = key.strip_suffix(".Ready")?;
        Some((node.to_owned(), EngineNodeState { ready: value == "True", reason: None }))
    };
    Some(report.reason.iter().filter_map(view).collect())
}

/// Adds our findings to the engine's report: an engine notices a missing machine only after a while.
fn overlay(report: HealthReport, findings: &[Finding]) -> HealthReport {
    let mut report = report;
    // Findings of the last report: each is added again below, or has passed.
    report.reason.retain(|key, _| !key.ends_with(".reason") && key != "cluster");
    for finding in findings {
        report.health = Health::Unhealthy;
        match &finding.node {
            Some(node) => {
                report.reason.insert(format!("{node}.Ready"), "False".to_owned());
                report.reason.insert(format!("{node}.reason"), finding.cause.message.clone());
            }
            None => {
                report.reason.insert("cluster".to_owned(), finding.cause.message.clone());
            }
        }
    }
    report
}

async fn say(conductor: &Conductor, record: &ClusterRecord, report: HealthReport) {
    let cluster = record.cluster.uuid;
    // Written only if it differs from the last report.
    if let Err(problem) = conductor.store.set_health(record.id(), report.health, report.reason).await {
        warn!(%cluster, %problem, "recording health");
    }
}
