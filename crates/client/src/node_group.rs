//! Node groups.

use jeroboam_types::v1::{NodeGroup, NodeGroupCreate, NodeGroupList, PatchOperation};

use crate::Result;
use crate::change::Change;
use crate::cluster::Accepted;
use crate::session::{Call, Client};

impl Client {
    /// Returns the node groups of a cluster.
    ///
    /// # Errors
    /// 404 when there is no such cluster.
    pub async fn node_groups(&self, cluster: &str) -> Result<Vec<NodeGroup>> {
        self.pages(
            &["clusters", cluster, "nodegroups"],
            |list: NodeGroupList| (list.nodegroups, list.next),
            |group| group.uuid.clone(),
        )
        .await
    }

    /// Returns one node group by id or name.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn node_group(&self, cluster: &str, ident: &str) -> Result<NodeGroup> {
        self.json(Call::get(&["clusters", cluster, "nodegroups", ident])).await
    }

    /// Requests a new node group. Returns at once.
    ///
    /// # Errors
    /// 400 or 409 name the invalid field, 409 also when the cluster cannot get another group now.
    pub async fn create_node_group(&self, cluster: &str, body: &NodeGroupCreate) -> Result<Accepted> {
        self.ask(Change::CreateNodeGroup(cluster, body)).await
    }

    /// Changes a node group. Returns at once. There is no operation when there is nothing to do.
    ///
    /// # Errors
    /// 400 or 409 name the attribute that cannot be changed.
    pub async fn update_node_group(&self, cluster: &str, ident: &str, patch: &[PatchOperation]) -> Result<Accepted> {
        self.ask(Change::UpdateNodeGroup(cluster, ident, patch)).await
    }

    /// Requests the deletion of a node group with its nodes. Returns at once.
    ///
    /// # Errors
    /// 400 for a default group of the cluster, 404 when there is none.
    pub async fn delete_node_group(&self, cluster: &str, ident: &str) -> Result<Accepted> {
        self.ask(Change::DeleteNodeGroup(cluster, ident)).await
    }
}
