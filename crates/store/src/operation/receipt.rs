//! What a delete removed, recorded when the cluster's rows are deleted.

use std::collections::BTreeMap;

use jeroboam_types::agent::NodeRole;
use jeroboam_types::operation::{Receipt, ReceiptNode};
use jiff::Timestamp;
use sea_orm::ConnectionTrait;

use super::step;
use crate::entity::{cluster, node as node_entity, operation};
use crate::{Result, codec, node};

/// The receipt of a delete that has removed everything of a cluster.
pub(super) async fn of(
    connection: &impl ConnectionTrait,
    operation: &operation::Model,
    cluster: &cluster::Model,
    now: Timestamp,
) -> Result<Receipt> {
    let steps = step::of_operation(connection, &operation.uuid).await?;
    let removed: BTreeMap<&str, i64> = steps
        .iter()
        .filter_map(|step| Some((step.step_key.strip_prefix("remove-machine/")?, step.finished_at?)))
        .collect();
    let mut nodes = node::of_clusters(connection, vec![cluster.uuid.clone()]).await?;
    nodes.sort_by_key(|node| (node.role != NodeRole::Master.to_string(), node.slot));
    let of_node = |node: node_entity::Model| {
        let removed_at = codec::maybe_time(removed.get(node.name.as_str()).copied())?;
        Ok(ReceiptNode {
            name: node.name,
            role: node.role,
            machine: node.machine_id,
            address: node.address,
            removed_at,
        })
    };
    let version = cluster.coe_version.as_ref().or(cluster.engine_version.as_ref());
    Ok(Receipt {
        engine: version.map_or_else(|| cluster.engine.clone(), |version| format!("{} {version}", cluster.engine)),
        template_uuid: codec::uuid(&cluster.template_uuid)?,
        created_at: codec::time(cluster.created_at)?,
        nodes: nodes.into_iter().map(of_node).collect::<Result<_>>()?,
        network: cluster.stack_id.clone(),
        removed_at: now,
    })
}
