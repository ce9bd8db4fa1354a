//! Node groups.

use jeroboam_types::v1::{NodeGroup, NodeGroupCreate, NodeGroupList, PatchOperation};

use crate::Result;
use crate::change::Change;
use crate::cluster::Accepted;
use crate::session::{Call, Client};

impl Client {
    /// The node groups of a cluster.
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

    /// One node group by id or name.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn node_group(&self, cluster: &str, ident: &str) -> Result<NodeGroup> {
        self.json(Call::get(&["clusters", cluster, "nodegroups", ident])).await
    }

    /// Asks for a new node group. Answers at once.
    ///
    /// # Errors
    /// 400 or 409 name the field that is wrong, 409 when the cluster cannot have another group now.
    pub async fn create_node_group(&self, cluster: &str, body: &NodeGroupCreate) -> Result<Accepted> {
        self.ask(Change::CreateNodeGroup(cluster, body)).await
    }

    /// Changes a node group. Answers at once. There is no operation when nothing has to be done.
    ///
    /// # Errors
    /// 400 or 409 name what cannot be changed so.
    pub async fn update_node_group(&self, cluster: &str, ident: &str, patch: &[PatchOperation]) -> Result<Accepted> {
        self.ask(Change::UpdateNodeGroup(cluster, ident, patch)).await
    }

    /// Asks for a node group to be taken away with its nodes. Answers at once.
    ///
    /// # Errors
    /// 400 for one that the cluster was made with, 404 when there is none.
    pub async fn delete_node_group(&self, cluster: &str, ident: &str) -> Result<Accepted> {
        self.ask(Change::DeleteNodeGroup(cluster, ident)).await
    }
}
