//! Node groups.

use jeroboam_types::v1::{NodeGroup, NodeGroupList};

use crate::Result;
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
}
