//! `jeroboam history`: past operations on clusters, including deleted ones.

use clap::Args;
use jeroboam_types::operation::{Operation, OperationKind, OperationStatus, Receipt};
use serde::Serialize;

use super::Context;
use super::failure::Failure;
use super::output::{Shown, moment};
use super::progress::{between, duration};
use super::style::status;

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Only operations on this cluster: name or id, also of a deleted one.
    #[arg(value_name = "CLUSTER")]
    cluster: Option<String>,
}

impl HistoryArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let operations = context.client.operations(self.cluster.as_deref()).await?;
        let events: Vec<Event> = operations.into_iter().map(Event).collect();
        context.out.list(&events, "There is no operation yet.")
    }
}

/// An operation as a line of history.
#[derive(Serialize)]
struct Event(Operation);

impl Shown for Event {
    const COLUMNS: &'static [&'static str] = &["WHEN", "CLUSTER", "WHAT", "STATUS", "TOOK", "BY", "OUTCOME"];
    const SPARE: &'static [&'static str] = &["TOOK", "BY"];
    const TEXT: Option<&'static str> = Some("OUTCOME");

    fn row(&self) -> Vec<String> {
        let operation = &self.0;
        let took = operation.started_at.zip(operation.finished_at).map(|(start, end)| duration(between(start, end)));
        vec![
            moment(Some(operation.created_at)),
            operation.cluster_name.clone(),
            operation.kind.to_string(),
            status(&operation.status.to_string()),
            took.unwrap_or_else(|| "-".to_owned()),
            operation.user_id.clone(),
            outcome(operation),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        self.0.details()
    }

    fn name(&self) -> String {
        self.0.uuid.to_string()
    }
}

/// The result of an operation, in one line.
fn outcome(operation: &Operation) -> String {
    match (&operation.cause, &operation.receipt) {
        (Some(cause), _) if operation.status != OperationStatus::Succeeded => {
            format!("{} ({})", cause.message, cause.code)
        }
        (_, Some(receipt)) => removed(receipt),
        _ if operation.kind == OperationKind::Repair && operation.status == OperationStatus::Succeeded => {
            "repaired".to_owned()
        }
        _ => "-".to_owned(),
    }
}

/// What a delete removed.
fn removed(receipt: &Receipt) -> String {
    let count = receipt.nodes.len();
    let nodes = if count == 1 { "1 node".to_owned() } else { format!("{count} nodes") };
    let network = if receipt.network.is_some() { ", its network" } else { "" };
    format!("{nodes} with their disks{network}, all secrets; nothing is left ({})", receipt.engine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::table;

    #[test]
    fn what_was_done_is_told_with_its_end() {
        let event = |kind: &str, status: &str, rest: serde_json::Value| {
            let mut operation = serde_json::json!({
                "uuid": "11111111-2222-3333-4444-555555555555", "kind": kind, "status": status,
                "cluster_uuid": "11111111-2222-3333-4444-555555555556", "cluster_name": "demo", "project_id": "p",
                "user_id": "alice", "request_id": "req-1", "created_at": "2026-11-29T12:00:00Z",
                "started_at": "2026-11-29T12:00:00Z", "finished_at": "2026-11-29T12:00:05Z", "deadline_at": null
            });
            operation.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            Event(serde_json::from_value(operation).unwrap())
        };
        let cause = serde_json::json!({"code": "state_lost", "who_must_act": "operator", "message": "the disk is gone",
            "action": "bring it back", "retryable": false});
        let receipt = serde_json::json!({"engine": "kubernetes v1.37.2", "network": "net-1",
            "template_uuid": "11111111-2222-3333-4444-555555555557", "created_at": "2026-11-28T12:00:00Z",
            "removed_at": "2026-11-29T12:00:05Z",
            "nodes": [{"name": "demo-master-0", "role": "master"}, {"name": "demo-worker-0", "role": "worker"}]});
        let events = [
            event("delete", "succeeded", serde_json::json!({"receipt": receipt})),
            event("repair", "succeeded", serde_json::json!({})),
            event("scale", "failed", serde_json::json!({"cause": cause})),
            event("create", "succeeded", serde_json::json!({})),
        ];
        insta::assert_snapshot!(anstream::adapter::strip_str(&table::list(&events, Some(200))).to_string());
    }
}
