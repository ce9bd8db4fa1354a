//! Clusters.
use sea_orm::entity::prelude::*;

/// A row of `clusters`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, serde::Deserialize)]
#[sea_orm(table_name = "clusters")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    pub uuid: String,
    pub project_id: String,
    pub user_id: String,
    pub name: String,
    pub template_uuid: String,
    pub engine: String,
    /// Version of Kubernetes; fixed when the cluster is created.
    pub engine_version: Option<String>,
    pub keypair: Option<String>,
    pub docker_volume_size: Option<i64>,
    #[serde(deserialize_with = "super::json_text")]
    pub labels: Json,
    pub master_flavor_id: Option<String>,
    pub flavor_id: Option<String>,
    pub create_timeout: Option<i64>,
    pub discovery_url: Option<String>,
    pub fixed_network: Option<String>,
    pub fixed_subnet: Option<String>,
    pub floating_ip_enabled: bool,
    pub master_lb_enabled: bool,
    pub status: String,
    pub status_reason: Option<String>,
    /// The operation that set this status.
    pub operation_uuid: Option<String>,
    pub health: Option<String>,
    #[serde(deserialize_with = "super::json_text")]
    pub health_reason: Json,
    /// Since when it is paused for maintenance.
    pub paused_at: Option<i64>,
    /// Name of the infrastructure that it runs on.
    pub infrastructure: Option<String>,
    pub stack_id: Option<String>,
    pub api_address: Option<String>,
    pub coe_version: Option<String>,
    pub container_version: Option<String>,
    /// Grows with every change that agents must learn about.
    pub revision: i64,
    pub created_at: i64,
    pub updated_at: Option<i64>,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
