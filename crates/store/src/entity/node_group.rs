//! Node groups.
use sea_orm::entity::prelude::*;

/// A row of `node_groups`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, serde::Deserialize)]
#[sea_orm(table_name = "node_groups")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    pub uuid: String,
    pub cluster_uuid: String,
    pub project_id: String,
    pub name: String,
    pub role: String,
    pub is_default: bool,
    pub node_count: i64,
    pub min_node_count: i64,
    pub max_node_count: Option<i64>,
    pub flavor_id: Option<String>,
    pub image_id: String,
    pub docker_volume_size: Option<i64>,
    #[serde(deserialize_with = "super::json_text")]
    pub labels: Json,
    #[serde(deserialize_with = "super::json_text")]
    pub node_labels: Json,
    #[serde(deserialize_with = "super::json_text")]
    pub node_taints: Json,
    pub status: String,
    pub status_reason: Option<String>,
    /// Its status when the deletion of the cluster was requested.
    pub status_before: Option<String>,
    pub version: Option<String>,
    pub created_at: i64,
    pub updated_at: Option<i64>,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
