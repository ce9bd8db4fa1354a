//! Clusters.

use jeroboam_types::operation::Topology;
use jeroboam_types::v1::{Cluster, ClusterCreate, ClusterList, PatchOperation, ResizeRequest, UpgradeRequest};
use jeroboam_types::why::Why;
use uuid::Uuid;

use crate::Result;
use crate::change::Change;
use crate::session::{Call, Client};

/// An accepted write: the work is an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Id of the cluster.
    pub cluster: String,
    /// Id of the operation. Only Jeroboam says it.
    pub operation: Option<Uuid>,
}

/// The header of an accepted write that names its operation.
const OPERATION_HEADER: &str = "x-jeroboam-operation";

impl Client {
    /// All clusters in full, page by page.
    ///
    /// # Errors
    /// See [`Error`](crate::Error); the same holds for all calls.
    pub async fn clusters(&self) -> Result<Vec<Cluster>> {
        self.pages(
            &["clusters", "detail"],
            |list: ClusterList| (list.clusters, list.next),
            |cluster| cluster.uuid.clone(),
        )
        .await
    }

    /// One cluster by id or name.
    ///
    /// # Errors
    /// 404 when there is none, 409 when the name fits several.
    pub async fn cluster(&self, ident: &str) -> Result<Cluster> {
        self.json(Call::get(&["clusters", ident])).await
    }

    /// Asks for a new cluster. Answers at once.
    ///
    /// # Errors
    /// 400 names the field that is wrong, 403 when the quota is reached, 404 when there is no such template.
    pub async fn create_cluster(&self, body: &ClusterCreate) -> Result<Accepted> {
        self.ask(Change::CreateCluster(body)).await
    }

    /// Asks for another number of nodes. Answers at once.
    ///
    /// # Errors
    /// 400 when the number is out of bounds or the cluster's status does not allow it.
    pub async fn resize_cluster(&self, ident: &str, body: &ResizeRequest) -> Result<Accepted> {
        self.ask(Change::ResizeCluster(ident, body)).await
    }

    /// Asks for another template, and the version that comes with it. Answers at once.
    ///
    /// # Errors
    /// 400 when that is not possible, 404 when there is no such template.
    pub async fn upgrade_cluster(&self, ident: &str, body: &UpgradeRequest) -> Result<Accepted> {
        self.ask(Change::UpgradeCluster(ident, body)).await
    }

    /// Changes a cluster. Answers at once. There is no operation when nothing has to be done.
    ///
    /// # Errors
    /// 400 names what cannot be changed.
    pub async fn update_cluster(&self, ident: &str, patch: &[PatchOperation]) -> Result<Accepted> {
        self.ask(Change::UpdateCluster(ident, patch)).await
    }

    /// Asks for what failed to be done once more; with `replace_data` also if that means to replace a member that held
    /// the only copy of the cluster's state. Answers at once.
    ///
    /// # Errors
    /// 400 when nothing failed.
    pub async fn retry_cluster(&self, ident: &str, replace_data: bool) -> Result<Accepted> {
        self.ask(Change::RetryCluster(ident, replace_data)).await
    }

    /// Asks for what is missing of a cluster to be brought back; with `replace_data` also if that means to replace a
    /// member that held the only copy of the cluster's state. Answers at once.
    ///
    /// # Errors
    /// 409 unless the cluster was complete once and nothing else is done to it.
    pub async fn repair_cluster(&self, ident: &str, replace_data: bool) -> Result<Accepted> {
        self.ask(Change::RepairCluster(ident, replace_data)).await
    }

    /// Leaves a cluster alone: nothing of it is repaired unless somebody asks.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn pause_cluster(&self, ident: &str) -> Result<()> {
        self.send(&Call::post(&["clusters", ident, "actions", "pause"])).await.map(|_| ())
    }

    /// Ends a pause.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn resume_cluster(&self, ident: &str) -> Result<()> {
        self.send(&Call::post(&["clusters", ident, "actions", "resume"])).await.map(|_| ())
    }

    /// What is wrong with a cluster and what to do about it.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn why(&self, ident: &str) -> Result<Why> {
        self.json(Call::get(&["clusters", ident, "why"])).await
    }

    /// Asks for a cluster to be taken away. Legal in every status. Answers at once.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_cluster(&self, ident: &str) -> Result<Accepted> {
        self.ask(Change::DeleteCluster(ident)).await
    }

    /// A cluster as a tree.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn topology(&self, ident: &str) -> Result<Topology> {
        self.json(Call::get(&["clusters", ident, "topology"])).await
    }
}

/// The operation that an answer names.
pub(crate) fn operation_of(response: &reqwest::Response) -> Option<Uuid> {
    response.headers().get(OPERATION_HEADER).and_then(|value| value.to_str().ok()?.parse().ok())
}
