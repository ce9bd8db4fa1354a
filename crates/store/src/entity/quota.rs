//! Quotas of projects.
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "quotas")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Order of creation, which the API shows.
    pub id: i64,
    pub project_id: String,
    pub resource: String,
    pub hard_limit: i64,
    pub created_at: i64,
    pub updated_at: Option<i64>,
}

/// Rows are joined by hand: the few queries that need it say which rows they want.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
