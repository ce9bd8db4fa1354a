//! Nodes.
use sea_orm::entity::prelude::*;

/// A row of `nodes`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, serde::Deserialize)]
#[sea_orm(table_name = "nodes")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    pub uuid: String,
    pub cluster_uuid: String,
    pub node_group_uuid: String,
    pub name: String,
    /// The number at the end of the name; unique within the group.
    pub number: i64,
    pub role: String,
    pub slot: i64,
    pub wanted: bool,
    /// NULL only between the migration that adds the column and the first start after it.
    #[serde(deserialize_with = "super::optional_json_text")]
    pub target: Option<Json>,
    pub machine_id: Option<String>,
    pub address: Option<String>,
    #[serde(deserialize_with = "super::optional_json_text")]
    pub report: Option<Json>,
    pub reported_at: Option<i64>,
    /// When its agent was last heard, if it was marked as silent.
    pub silent_since: Option<i64>,
    pub enrolled: bool,
    /// When its agent first reported that it is up.
    pub joined_at: Option<i64>,
    /// Id of the machine that is to be replaced with its disk.
    pub replace_machine: Option<String>,
    /// The cluster's revision at which it was asked to start over.
    pub attempt: i64,
    pub created_at: i64,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
