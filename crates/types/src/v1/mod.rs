//! Wire types of the REST API v1, in Magnum's format (contract magnum-v1 section 2, workloads-2015 section 2).
//!
//! One type per resource contains the fields of all microversions; the API's `view` modules select the fields of a
//! microversion, and clients read those that are present.

mod bay;
mod certificate;
mod cluster;
mod cluster_template;
mod container;
mod deployment;
mod engine_version;
mod federation;
mod label;
mod legacy_node;
mod mservice;
mod node_group;
mod orphan;
mod quota;
mod stats;
mod workload;

pub use bay::{Bay, BayCreate, BayList, BaymodelList};
pub use certificate::{Certificate, CertificateCreate, IssuedCertificate, IssuedCertificateList};
pub use cluster::{Cluster, ClusterCreate, ClusterList, ResizeRequest, UpgradeRequest, UuidOnly};
pub use cluster_template::{ClusterTemplate, ClusterTemplateCreate, ClusterTemplateList};
pub use container::{Container, ContainerCreate, ContainerList, ContainerOutput};
pub use deployment::{Deployment, DeploymentHold, Evidence, EvidenceKind, Instance};
pub use engine_version::{EngineVersion, EngineVersionImage, EngineVersionList};
pub use federation::{Federation, FederationCreate, FederationList};
pub use label::{ExplainedLabel, Label, LabelExplanation, LabelList};
pub use legacy_node::{LegacyNode, LegacyNodeCreate, LegacyNodeList};
pub use mservice::{Mservice, MserviceList};
pub use node_group::{NodeGroup, NodeGroupCreate, NodeGroupList, NodeTaint};
pub use orphan::{Orphan, OrphanList};
pub use quota::{Quota, QuotaCreate, QuotaList, QuotaUpdate};
pub use stats::Stats;
pub use workload::{
    Pod, PodList, ReplicationController, ReplicationControllerList, Service, ServiceList, ServicePort, WorkloadCreate,
};

use serde::{Deserialize, Serialize};

/// A link of a resource or document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Link {
    /// `self`, `bookmark`, `describedby`.
    pub rel: String,
    /// Absolute URL.
    pub href: String,
    /// Media type, only when set.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// One operation of a JSON patch, in Magnum's dialect (contract magnum-v1 section 2.12).
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchOperation {
    /// `add`, `replace` or `remove`.
    pub op: String,
    /// Path of the attribute, for example `/node_count`.
    pub path: String,
    /// New value of the attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
}
