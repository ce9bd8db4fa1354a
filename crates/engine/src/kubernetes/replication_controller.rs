//! Replication controllers of Kubernetes.

use jeroboam_types::v1;
use k8s_openapi::api::core::v1::ReplicationController;
use kube::ResourceExt as _;

use super::Workloads;
use super::workloads::created_at;
use crate::WorkloadError;
use crate::manifest::ReplicationControllerManifest;

/// What Kubernetes takes when a manifest gives no `replicas`.
const DEFAULT_REPLICAS: i32 = 1;

impl Workloads {
    /// Makes a replication controller. `bay_uuid` and `links` are left to the caller.
    ///
    /// # Errors
    /// What Kubernetes says against it, or that it does not answer.
    pub async fn create_replication_controller(
        &self,
        manifest: &ReplicationControllerManifest,
    ) -> Result<v1::ReplicationController, WorkloadError> {
        self.create(manifest.object()).await.map(|rc| view(&rc))
    }

    /// All replication controllers.
    ///
    /// # Errors
    /// As above.
    pub async fn replication_controllers(&self) -> Result<Vec<v1::ReplicationController>, WorkloadError> {
        Ok(self.list().await?.iter().map(view).collect())
    }

    /// One replication controller by uid or name.
    ///
    /// # Errors
    /// As above.
    pub async fn replication_controller(&self, ident: &str) -> Result<v1::ReplicationController, WorkloadError> {
        self.find(ident, "replication controller").await.map(|rc| view(&rc))
    }

    /// Deletes a replication controller by uid or name, and its pods.
    ///
    /// # Errors
    /// As above; [`WorkloadError::NotFound`] when there is none.
    pub async fn delete_replication_controller(&self, ident: &str) -> Result<(), WorkloadError> {
        self.remove::<ReplicationController>(ident, "replication controller").await
    }
}

fn view(rc: &ReplicationController) -> v1::ReplicationController {
    let spec = rc.spec.clone().unwrap_or_default();
    let status = rc.status.clone().unwrap_or_default();
    let containers = spec.template.and_then(|template| template.spec).map(|spec| spec.containers).unwrap_or_default();
    v1::ReplicationController {
        uuid: rc.uid().unwrap_or_default(),
        name: rc.name_any(),
        labels: rc.labels().clone(),
        images: containers.into_iter().filter_map(|container| container.image).collect(),
        replicas: status.replicas,
        desired: spec.replicas.unwrap_or(DEFAULT_REPLICAS),
        ready: status.ready_replicas.unwrap_or_default(),
        created_at: created_at(rc.metadata.creation_timestamp.as_ref()),
        ..v1::ReplicationController::default()
    }
}
