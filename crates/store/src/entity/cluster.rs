//! Clusters.
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, serde::Deserialize)]
#[sea_orm(table_name = "clusters")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Order of creation; never leaves the store.
    pub id: i64,
    pub uuid: String,
    pub project_id: String,
    pub user_id: String,
    pub name: String,
    pub template_uuid: String,
    pub engine: String,
    /// Of Kubernetes; fixed when the cluster was made.
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
    /// The operation that gave it this status.
    pub operation_uuid: Option<String>,
    pub health: Option<String>,
    #[serde(deserialize_with = "super::json_text")]
    pub health_reason: Json,
    /// Since when it is left alone for maintenance.
    pub paused_at: Option<i64>,
    /// Name of the infrastructure that it is made on.
    pub infrastructure: Option<String>,
    pub stack_id: Option<String>,
    pub api_address: Option<String>,
    pub coe_version: Option<String>,
    pub container_version: Option<String>,
    /// Goes up with everything that agents must know.
    pub revision: i64,
    pub created_at: i64,
    pub updated_at: Option<i64>,
}

/// Rows are joined by hand: the few queries that need it say which rows they want.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
