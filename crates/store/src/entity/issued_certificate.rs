//! Certificates that were signed for users.
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "issued_certificates")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Order of creation; never leaves the store.
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

/// Rows are joined by hand: the few queries that need it say which rows they want.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
