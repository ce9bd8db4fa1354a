//! Clusters.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ClusterTemplate, EngineKind, Labels, Status};

/// Health of a running cluster (contract magnum-v1 section 7.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Health {
    /// The engine's API answers and every node is ready.
    Healthy,
    /// The API does not answer, or a node is not ready.
    Unhealthy,
    /// Not known.
    Unknown,
}

/// A cluster (once called bay).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cluster {
    /// Id.
    pub uuid: Uuid,
    /// Project that it belongs to.
    pub project_id: String,
    /// User who created it.
    pub user_id: String,
    /// Name; not unique.
    pub name: String,
    /// Its template.
    pub template: Uuid,
    /// Its engine.
    pub engine: EngineKind,
    /// The version of Kubernetes that its nodes run, fixed at creation (see [`crate::kubernetes`]). `None` for other
    /// engines: their version comes with the image.
    pub engine_version: Option<String>,
    /// Name of the SSH keypair.
    pub keypair: Option<String>,
    /// Volume for containers, in GB per node.
    pub docker_volume_size: Option<u32>,
    /// Effective labels: the template's, replaced or overlaid at creation.
    pub labels: Labels,
    /// Flavor of masters.
    pub master_flavor_id: Option<String>,
    /// Flavor of other nodes.
    pub flavor_id: Option<String>,
    /// Time limit of the creation in minutes; `None` or 0: no limit set by the user.
    pub create_timeout: Option<u32>,
    /// Stored and returned, but unused.
    pub discovery_url: Option<String>,
    /// Network to use.
    pub fixed_network: Option<String>,
    /// Subnet to use.
    pub fixed_subnet: Option<String>,
    /// Whether nodes get floating IP addresses.
    pub floating_ip_enabled: bool,
    /// Whether there is a load balancer in front of the masters.
    pub master_lb_enabled: bool,
    /// Status.
    pub status: Status,
    /// Reason of the status.
    pub status_reason: Option<String>,
    /// Health; `None` until the first check.
    pub health: Option<Health>,
    /// Health in detail, by what was checked.
    pub health_reason: BTreeMap<String, String>,
    /// Since when it is paused for maintenance: only repairs that a user requests are carried out.
    pub paused_at: Option<Timestamp>,
    /// Name of the infrastructure that it runs on; `None` if an earlier release created it.
    pub infrastructure: Option<String>,
    /// Id of the stack at the infrastructure (the network's id on docker).
    pub stack_id: Option<String>,
    /// URL of the engine's API, once it is known.
    pub api_address: Option<String>,
    /// Version as reported by the engine, once it is known.
    pub coe_version: Option<String>,
    /// Version of the container runtime, once it is known.
    pub container_version: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
}

impl Cluster {
    /// A new cluster with the values that it takes from its template by default (contract magnum-v1 section 2.2).
    #[must_use]
    pub fn of(template: &ClusterTemplate, name: &str, project_id: &str, user_id: &str, now: Timestamp) -> Self {
        Self {
            uuid: Uuid::new_v4(),
            project_id: project_id.to_owned(),
            user_id: user_id.to_owned(),
            name: name.to_owned(),
            template: template.uuid,
            engine: template.engine,
            engine_version: None,
            keypair: template.keypair_id.clone(),
            docker_volume_size: template.docker_volume_size,
            labels: template.labels.clone(),
            master_flavor_id: template.master_flavor_id.clone(),
            flavor_id: template.flavor_id.clone(),
            create_timeout: None,
            discovery_url: None,
            fixed_network: template.fixed_network.clone(),
            fixed_subnet: template.fixed_subnet.clone(),
            floating_ip_enabled: template.floating_ip_enabled,
            master_lb_enabled: template.master_lb_enabled,
            status: Status::CreateInProgress,
            status_reason: None,
            health: None,
            health_reason: BTreeMap::new(),
            paused_at: None,
            infrastructure: None,
            stack_id: None,
            api_address: None,
            coe_version: None,
            container_version: None,
            created_at: now,
            updated_at: None,
        }
    }
}
