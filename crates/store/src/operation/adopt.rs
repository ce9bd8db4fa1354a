//! Adopting clusters that the database does not know.

use std::collections::BTreeSet;

use jeroboam_model::node::FoundNode;
use jeroboam_model::{Cluster, ClusterTemplate, NodeGroup, OperationKind, Target};
use jeroboam_types::operation::Operation;
use jiff::Timestamp;

use super::{NewOperation, Subject, insert};
use crate::node::Arrival;
use crate::scale::Newcomer;
use crate::{
    Event, Result, Store, StoreError, cluster, cluster_template, codec, idempotency, node, node_group, quota, target,
};

impl Store {
    /// Inserts a cluster whose nodes exist at the infrastructure, with its id and theirs, and the operation that brings
    /// it up from the data on their disks. Quotas are not checked: the resources are in use already.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the cluster is known, [`StoreError::Overtaken`] when the template was changed
    /// since it was read, [`StoreError::NotFound`] when it was deleted.
    pub async fn adopt_cluster(
        &self,
        template: &ClusterTemplate,
        new: &Cluster,
        groups: &[NodeGroup],
        nodes: &[FoundNode],
        operation: NewOperation,
    ) -> Result<Operation> {
        let doing = "adopting a cluster";
        let now = Timestamp::now();
        let operation = &operation;
        self.write(|transaction| async move {
            idempotency::makes(&transaction, new.uuid).await?;
            quota::lock(&transaction, &new.project_id, 1).await?;
            cluster_template::lock_as_read(&transaction, template).await?;
            cluster::insert(&transaction, new).await?;
            // Its agents have a revision of the lost history, and accept only a newer one.
            cluster::raise(&transaction, new.uuid, now.as_second()).await?;
            node_group::insert(&transaction, groups).await?;
            node::insert(&transaction, arrivals(template, new, groups, nodes)?, codec::micros(now)).await?;
            let operation = NewOperation { kind: OperationKind::Create, ..operation.clone() };
            let subject = Subject { uuid: new.uuid, name: &new.name, status_before: None, retry_of: None };
            let operation = insert(&transaction, subject, operation, now).await?;
            self.commit(transaction, doing).await?;
            self.publish(Event::operation(new.uuid, operation.uuid));
            Ok(operation)
        })
        .await
    }
}

/// The nodes as found; those whose slots are unknown or taken twice get free ones.
fn arrivals<'a>(
    template: &ClusterTemplate,
    cluster: &Cluster,
    groups: &'a [NodeGroup],
    nodes: &[FoundNode],
) -> Result<Vec<Arrival<'a>>> {
    let mut taken = BTreeSet::new();
    let kept: Vec<Option<u32>> = nodes.iter().map(|node| node.slot.filter(|slot| taken.insert(*slot))).collect();
    let mut free = (0..).filter(|slot| !taken.contains(slot));
    let mut arrivals = Vec::new();
    for (found, kept) in nodes.iter().zip(kept) {
        let group = groups.iter().find(|group| group.role == found.role);
        let group = group.ok_or_else(|| StoreError::not_found("node group", found.role))?;
        let slot = kept.or_else(|| free.next()).unwrap_or_default();
        arrivals.push(Arrival {
            group,
            target: target::row(&Target::of(cluster, template, group))?,
            node: Newcomer { name: found.name.clone(), number: number(&found.name), slot },
            found: Some(found.uuid),
        });
    }
    Ok(arrivals)
}

/// The number at the end of a node's name.
fn number(name: &str) -> u32 {
    name.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or_default()
}
