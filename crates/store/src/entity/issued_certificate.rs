//! Certificates that were signed for users.
use sea_orm::entity::prelude::*;

/// A row of `issued_certificates`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "issued_certificates")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    pub cluster_uuid: String,
    pub authority: String,
    /// Hexadecimal.
    pub serial: String,
    pub subject: Option<String>,
    pub user_id: String,
    pub request_id: String,
    pub created_at: i64,
    pub expires_at: i64,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
