//! Changes that can be planned before they are requested.

use jeroboam_types::plan::Plan;
use jeroboam_types::v1::{ClusterCreate, NodeGroupCreate, PatchOperation, ResizeRequest, UpgradeRequest, UuidOnly};

use crate::Result;
use crate::cluster::{Accepted, operation_of};
use crate::session::{Call, Client, unreachable};

/// Header with the id of the plan that a request carries out.
const PLAN_HEADER: &str = "x-jeroboam-plan";

/// A change of a cluster or of a node group. Clusters and node groups are given by id or name.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// Creates a cluster.
    CreateCluster(&'a ClusterCreate),
    /// Adopts an orphan as a cluster. Cannot be planned.
    AdoptOrphan(&'a str, &'a ClusterCreate),
    /// Changes attributes of a cluster.
    UpdateCluster(&'a str, &'a [PatchOperation]),
    /// Changes the number of nodes.
    ResizeCluster(&'a str, &'a ResizeRequest),
    /// Changes the template.
    UpgradeCluster(&'a str, &'a UpgradeRequest),
    /// Retries what failed; with `true` even if that replaces a member that held the only copy of the cluster's state.
    RetryCluster(&'a str, bool),
    /// Repairs what is missing; with `true` even if that replaces a member that held the only copy of the cluster's
    /// state.
    RepairCluster(&'a str, bool),
    /// Deletes a cluster.
    DeleteCluster(&'a str),
    /// Rotates the CAs of a cluster.
    RotateAuthorities(&'a str),
    /// Creates a node group of a cluster.
    CreateNodeGroup(&'a str, &'a NodeGroupCreate),
    /// Changes attributes of a cluster's node group.
    UpdateNodeGroup(&'a str, &'a str, &'a [PatchOperation]),
    /// Deletes a cluster's node group.
    DeleteNodeGroup(&'a str, &'a str),
}

impl Change<'_> {
    fn call(self) -> Result<Call> {
        match self {
            Self::CreateCluster(body) => Call::post(&["clusters"]).body(body),
            Self::AdoptOrphan(orphan, body) => Call::post(&["orphans", orphan, "actions", "adopt"]).body(body),
            Self::UpdateCluster(cluster, patch) => Call::patch(&["clusters", cluster]).body(&patch),
            Self::ResizeCluster(cluster, body) => Call::post(&["clusters", cluster, "actions", "resize"]).body(body),
            Self::UpgradeCluster(cluster, body) => Call::post(&["clusters", cluster, "actions", "upgrade"]).body(body),
            Self::RetryCluster(cluster, replace_data) => Ok(action(cluster, "retry", replace_data)),
            Self::RepairCluster(cluster, replace_data) => Ok(action(cluster, "repair", replace_data)),
            Self::DeleteCluster(cluster) => Ok(Call::delete(&["clusters", cluster])),
            Self::RotateAuthorities(cluster) => Ok(Call::patch(&["certificates", cluster])),
            Self::CreateNodeGroup(cluster, body) => Call::post(&["clusters", cluster, "nodegroups"]).body(body),
            Self::UpdateNodeGroup(cluster, group, patch) => {
                Call::patch(&["clusters", cluster, "nodegroups", group]).body(&patch)
            }
            Self::DeleteNodeGroup(cluster, group) => Ok(Call::delete(&["clusters", cluster, "nodegroups", group])),
        }
    }

    /// Id or name of the cluster; none for a new cluster.
    fn cluster(self) -> Option<String> {
        match self {
            Self::CreateCluster(_) => None,
            Self::AdoptOrphan(cluster, _)
            | Self::UpdateCluster(cluster, _)
            | Self::ResizeCluster(cluster, _)
            | Self::UpgradeCluster(cluster, _)
            | Self::RetryCluster(cluster, _)
            | Self::RepairCluster(cluster, _)
            | Self::DeleteCluster(cluster)
            | Self::RotateAuthorities(cluster)
            | Self::CreateNodeGroup(cluster, _)
            | Self::UpdateNodeGroup(cluster, _, _)
            | Self::DeleteNodeGroup(cluster, _) => Some(cluster.to_owned()),
        }
    }

    /// Whether the response is the node group, without the cluster.
    fn is_of_group(self) -> bool {
        matches!(self, Self::CreateNodeGroup(..) | Self::UpdateNodeGroup(..) | Self::DeleteNodeGroup(..))
    }
}

fn action(cluster: &str, action: &str, replace_data: bool) -> Call {
    let call = Call::post(&["clusters", cluster, "actions", action]);
    if replace_data { call.query("replace_data", "true") } else { call }
}

impl Client {
    /// Returns what a change would do. Nothing is changed.
    ///
    /// # Errors
    /// Those of the change itself.
    pub async fn plan(&self, change: Change<'_>) -> Result<Plan> {
        self.json(change.call()?.query("dry_run", "true")).await
    }

    /// Requests a change. Returns at once.
    ///
    /// # Errors
    /// Those of the corresponding method.
    pub async fn ask(&self, change: Change<'_>) -> Result<Accepted> {
        self.accepted(change, change.call()?).await
    }

    /// Requests a change if its plan is still valid.
    ///
    /// # Errors
    /// 412 when the plan is outdated; the message names what has changed.
    pub async fn ask_as_planned(&self, change: Change<'_>, plan: &Plan) -> Result<Accepted> {
        self.accepted(change, change.call()?.header(PLAN_HEADER, &plan.id)?).await
    }

    /// Sends a write. The body of the response is `{"uuid"}`, a node group, or empty.
    async fn accepted(&self, change: Change<'_>, call: Call) -> Result<Accepted> {
        let response = self.send(&call).await?;
        let operation = operation_of(&response);
        let url = response.url().clone();
        let body = response.bytes().await.map_err(|error| unreachable(&url, &error))?;
        let told = serde_json::from_slice::<UuidOnly>(&body).ok().filter(|_| !change.is_of_group());
        let cluster = told.map(|body| body.uuid).or_else(|| change.cluster()).unwrap_or_default();
        Ok(Accepted { cluster, operation })
    }
}
