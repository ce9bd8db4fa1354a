//! What is wrong with a cluster, since when, what was tried, who must act and which command to run: from findings and
//! operations.

use jeroboam_types::operation::{Operation, Step};
use jeroboam_types::why::{Why, WhyProblem, WhyTried};
use jiff::{SignedDuration, Timestamp};

use crate::condition::Finding;
use crate::healing::{self, MOST_PER_DAY, Wait};
use crate::{Cause, CauseExt, Cluster, Code, OperationKind, OperationStatus, StepStatus, labels};

/// Older operations are not listed.
const LATELY: SignedDuration = SignedDuration::from_hours(24);
/// Summary of a cluster without problems.
pub const NOTHING: &str = "nothing is wrong";

/// Explains the state of a cluster. `operations` are the cluster's, newest first; unfinished ones have their steps.
/// `failed` is the one that gave the cluster its failed status, which a retry repeats.
/// `repairs` are the times at which automatic repairs of the last day finished, newest first.
#[must_use]
pub fn explain(
    cluster: &Cluster,
    findings: Vec<Finding>,
    operations: &[Operation],
    failed: Option<&Operation>,
    repairs: &[Timestamp],
    now: Timestamp,
) -> Why {
    let mut problems: Vec<WhyProblem> = operations.iter().rev().filter_map(held_up).collect();
    problems.extend(of_status(cluster, failed));
    problems.extend(findings.into_iter().map(|finding| found(cluster, finding)));
    let summary = match problems.first() {
        None if cluster.status.is_in_progress() => "nothing is wrong: an operation is in progress".to_owned(),
        None => NOTHING.to_owned(),
        Some(first) => {
            let more = problems.len() - 1;
            let rest = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            format!("{}: {}{rest}", first.subject, first.cause.one_line())
        }
    };
    Why {
        uuid: cluster.uuid,
        name: cluster.name.clone(),
        status: cluster.status.to_string(),
        health_status: cluster.health.map(|health| health.to_string()),
        summary,
        problems,
        tried: operations.iter().filter_map(|operation| tried(operation, now)).collect(),
        healing: healing(cluster, repairs, now),
    }
}

/// An operation that is held up, with the step that causes it.
fn held_up(operation: &Operation) -> Option<WhyProblem> {
    if operation.status.is_final() {
        return None;
    }
    let is_open = |step: &&Step| matches!(step.status, StepStatus::Blocked | StepStatus::Running);
    let step = operation.steps.iter().filter(is_open).min_by_key(|step| step.status != StepStatus::Blocked);
    let cause = step.and_then(|step| step.cause.clone()).or_else(|| operation.cause.clone())?;
    Some(WhyProblem {
        subject: step.map_or_else(|| operation.kind.to_string(), |step| step.title.clone()),
        cause,
        since: step.and_then(|step| step.started_at).or(operation.started_at),
        command: Some(format!("jeroboam operation watch {}", operation.uuid)),
    })
}

/// The failed status of a cluster and the operation that it is from.
fn of_status(cluster: &Cluster, last: Option<&Operation>) -> Option<WhyProblem> {
    if !cluster.status.is_failed() {
        return None;
    }
    let cause = last.and_then(|operation| operation.cause.clone()).unwrap_or_else(|| {
        let message = cluster.status_reason.clone().unwrap_or_else(|| "the last operation failed".to_owned());
        Cause::operator(Code::OperationFailed, message, "retry the operation or delete the cluster")
    });
    Some(WhyProblem {
        subject: last.map_or_else(|| "cluster".to_owned(), |operation| operation.kind.to_string()),
        cause,
        since: last.and_then(|operation| operation.finished_at),
        command: Some(format!("jeroboam bay retry {}", cluster.name)),
    })
}

fn found(cluster: &Cluster, finding: Finding) -> WhyProblem {
    let command = match finding.cause.kind() {
        Some(Code::ClusterMissing) => Some(format!("jeroboam bay delete {}", cluster.name)),
        Some(Code::StateLost) => Some(format!("jeroboam bay repair {} --replace-data", cluster.name)),
        _ => Some(format!("jeroboam bay repair {}", cluster.name)),
    };
    let subject = finding.node.map_or_else(|| "cluster".to_owned(), |node| format!("node {node}"));
    WhyProblem { subject, cause: finding.cause, since: finding.since, command }
}

fn tried(operation: &Operation, now: Timestamp) -> Option<WhyTried> {
    let at = operation.finished_at.filter(|at| now.duration_since(*at) < LATELY)?;
    let is_worth_telling = operation.kind == OperationKind::Repair || operation.status != OperationStatus::Succeeded;
    is_worth_telling.then(|| WhyTried {
        operation: operation.uuid,
        kind: operation.kind,
        status: operation.status,
        at,
        cause: operation.cause.clone(),
    })
}

fn healing(cluster: &Cluster, repairs: &[Timestamp], now: Timestamp) -> String {
    let (name, labels) = (&cluster.name, &cluster.labels);
    if let Some(at) = cluster.paused_at {
        return format!("paused since {at:.0}; `jeroboam bay resume {name}` resumes it");
    }
    if labels::is_watched_from_within(labels) {
        return "left to magnum-auto-healer, as set by the label auto_healing_controller".to_owned();
    }
    if !labels::heals_by_itself(labels) {
        return "switched off by the label auto_healing_enabled".to_owned();
    }
    match healing::wait(repairs, now) {
        None => "on: missing parts are repaired automatically".to_owned(),
        Some(Wait::Pause(end)) => format!(
            "on: the next automatic repair is not before {end:.0}, as the last one was recent; `jeroboam bay repair \
             {name}` does not wait"
        ),
        Some(Wait::DailyLimit(end)) => format!(
            "on, but there were {MOST_PER_DAY} automatic repairs within a day: none until {end:.0}; run `jeroboam bay \
             repair {name}`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClusterTemplate, EngineKind};

    fn told(repairs: &[Timestamp], now: Timestamp) -> String {
        let template = ClusterTemplate::new(EngineKind::SWARM, "any", "p", "u", now);
        let cluster = Cluster::of(&template, "demo", "p", "u", now);
        explain(&cluster, Vec::new(), &[], None, repairs, now).healing
    }

    #[test]
    fn it_is_told_what_keeps_the_next_repair_from_beginning() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let ago = |seconds| now - SignedDuration::from_secs(seconds);
        assert_eq!(told(&[], now), "on: missing parts are repaired automatically");
        assert_eq!(
            told(&[ago(1), ago(600)], now),
            "on: the next automatic repair is not before 2026-11-29T12:00:09Z, as the last one was recent; `jeroboam \
             bay repair demo` does not wait"
        );
        let hourly: Vec<Timestamp> = (0..24).map(|hour| ago(3600 * hour)).collect();
        assert_eq!(
            told(&hourly, now),
            "on, but there were 24 automatic repairs within a day: none until 2026-11-29T13:00:00Z; run `jeroboam bay \
             repair demo`"
        );
    }
}
