//! Small named numbers.
use sea_orm::entity::prelude::*;

/// A row of `counters`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "counters")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    pub name: String,
    pub value: i64,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
