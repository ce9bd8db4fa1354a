//! Clusters.

use jeroboam_types::operation::Topology;
use jeroboam_types::v1::{Cluster, ClusterCreate, ClusterList, PatchOperation, ResizeRequest, UpgradeRequest};
use jeroboam_types::why::Why;
use uuid::Uuid;

use crate::Result;
use crate::change::Change;
use crate::session::{Call, Client};

/// An accepted write: an operation carries it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Id of the cluster.
    pub cluster: String,
    /// Id of the operation. Only Jeroboam returns it.
    pub operation: Option<Uuid>,
}

/// Header with the operation id of an accepted write.
const OPERATION_HEADER: &str = "x-jeroboam-operation";

impl Client {
    /// Returns all clusters in full, page by page.
    ///
    /// # Errors
    /// See [`Error`](crate::Error); this applies to all calls.
    pub async fn clusters(&self) -> Result<Vec<Cluster>> {
        self.pages(
            &["clusters", "detail"],
            |list: ClusterList| (list.clusters, list.next),
            |cluster| cluster.uuid.clone(),
        )
        .await
    }

    /// Returns one cluster by id or name.
    ///
    /// # Errors
    /// 404 when there is none, 409 when several have the name.
    pub async fn cluster(&self, ident: &str) -> Result<Cluster> {
        self.json(Call::get(&["clusters", ident])).await
    }

    /// Requests a new cluster. Returns at once.
    ///
    /// # Errors
    /// 400 names the invalid field, 403 when the quota is exceeded, 404 when there is no such template.
    pub async fn create_cluster(&self, body: &ClusterCreate) -> Result<Accepted> {
        self.ask(Change::CreateCluster(body)).await
    }

    /// Requests another number of nodes. Returns at once.
    ///
    /// # Errors
    /// 400 when the number is out of range or the cluster's status does not allow it.
    pub async fn resize_cluster(&self, ident: &str, body: &ResizeRequest) -> Result<Accepted> {
        self.ask(Change::ResizeCluster(ident, body)).await
    }

    /// Requests another template, with its version. Returns at once.
    ///
    /// # Errors
    /// 400 when that is not possible, 404 when there is no such template.
    pub async fn upgrade_cluster(&self, ident: &str, body: &UpgradeRequest) -> Result<Accepted> {
        self.ask(Change::UpgradeCluster(ident, body)).await
    }

    /// Changes a cluster. Returns at once. There is no operation when there is nothing to do.
    ///
    /// # Errors
    /// 400 names the attribute that cannot be changed.
    pub async fn update_cluster(&self, ident: &str, patch: &[PatchOperation]) -> Result<Accepted> {
        self.ask(Change::UpdateCluster(ident, patch)).await
    }

    /// Requests a retry of what failed; with `replace_data` even if that replaces a member that held the only copy of
    /// the cluster's state. Returns at once.
    ///
    /// # Errors
    /// 400 when nothing failed.
    pub async fn retry_cluster(&self, ident: &str, replace_data: bool) -> Result<Accepted> {
        self.ask(Change::RetryCluster(ident, replace_data)).await
    }

    /// Requests a repair of what is missing; with `replace_data` even if that replaces a member that held the only copy
    /// of the cluster's state. Returns at once.
    ///
    /// # Errors
    /// 409 unless the cluster was complete once and no other operation runs on it.
    pub async fn repair_cluster(&self, ident: &str, replace_data: bool) -> Result<Accepted> {
        self.ask(Change::RepairCluster(ident, replace_data)).await
    }

    /// Pauses automatic repair of a cluster: nothing is repaired unless a user requests it.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn pause_cluster(&self, ident: &str) -> Result<()> {
        self.send(&Call::post(&["clusters", ident, "actions", "pause"])).await.map(|_| ())
    }

    /// Resumes automatic repair.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn resume_cluster(&self, ident: &str) -> Result<()> {
        self.send(&Call::post(&["clusters", ident, "actions", "resume"])).await.map(|_| ())
    }

    /// Returns what is wrong with a cluster and what to do about it.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn why(&self, ident: &str) -> Result<Why> {
        self.json(Call::get(&["clusters", ident, "why"])).await
    }

    /// Requests the deletion of a cluster. Allowed in every status. Returns at once.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_cluster(&self, ident: &str) -> Result<Accepted> {
        self.ask(Change::DeleteCluster(ident)).await
    }

    /// Returns a cluster as a tree.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn topology(&self, ident: &str) -> Result<Topology> {
        self.json(Call::get(&["clusters", ident, "topology"])).await
    }
}

/// The operation id in a response.
pub(crate) fn operation_of(response: &reqwest::Response) -> Option<Uuid> {
    response.headers().get(OPERATION_HEADER).and_then(|value| value.to_str().ok()?.parse().ok())
}
