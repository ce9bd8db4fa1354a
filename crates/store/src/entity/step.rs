//! Steps of operations.
use sea_orm::entity::prelude::*;

/// A row of `steps`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "steps")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    pub operation_uuid: String,
    pub step_key: String,
    pub title: String,
    pub stage: i64,
    pub status: String,
    pub attempts: i64,
    pub progress: Option<String>,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub cause: Option<Json>,
    pub added_because: Option<String>,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
