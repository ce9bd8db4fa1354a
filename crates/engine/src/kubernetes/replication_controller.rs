//! Replication controllers of Kubernetes.

use jeroboam_types::v1;
use k8s_openapi::api::core::v1::ReplicationController;
use kube::ResourceExt as _;

use super::workloads::{Workload, created_at};

/// Kubernetes' default when a manifest has no `replicas`.
const DEFAULT_REPLICAS: i32 = 1;

impl Workload for v1::ReplicationController {
    type Object = ReplicationController;
    const NOUN: &'static str = "replication controller";

    fn view(rc: &ReplicationController) -> Self {
        let spec = rc.spec.clone().unwrap_or_default();
        let status = rc.status.clone().unwrap_or_default();
        let containers =
            spec.template.and_then(|template| template.spec).map(|spec| spec.containers).unwrap_or_default();
        Self {
            uuid: rc.uid().unwrap_or_default(),
            name: rc.name_any(),
            labels: rc.labels().clone(),
            images: containers.into_iter().filter_map(|container| container.image).collect(),
            replicas: status.replicas,
            desired: spec.replicas.unwrap_or(DEFAULT_REPLICAS),
            ready: status.ready_replicas.unwrap_or_default(),
            created_at: created_at(rc.metadata.creation_timestamp.as_ref()),
            ..Self::default()
        }
    }
}
