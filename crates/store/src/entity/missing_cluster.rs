//! Clusters of which nothing was at the infrastructure when an operator settled which database is the right one.
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "missing_clusters")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Order of creation; never leaves the store.
    pub id: i64,
    pub cluster_uuid: String,
    pub since: i64,
}

/// Rows are joined by hand: the few queries that need it say which rows they want.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
