//! Servers that were started at this database.
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "instances")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Order of creation; never leaves the store.
    pub id: i64,
    pub uuid: String,
    pub host: String,
    pub started_at: i64,
}

/// Rows are joined by hand: the few queries that need it say which rows they want.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
