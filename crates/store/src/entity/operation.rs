//! Operations. They outlive their cluster, so nothing here points at it but its id and name.
use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "operations")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Order of creation; never leaves the store.
    pub id: i64,
    pub uuid: String,
    pub kind: String,
    pub status: String,
    pub cluster_uuid: String,
    pub cluster_name: String,
    pub project_id: String,
    pub user_id: String,
    pub request_id: String,
    pub created_at: i64,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub deadline_at: Option<i64>,
    /// Microseconds that it may take from its start on.
    pub time_limit: Option<i64>,
    pub cause: Option<Json>,
    /// The conductor that has it.
    pub owner: Option<String>,
    /// When others may take it.
    pub lease_until: Option<i64>,
    /// Goes up whenever a conductor takes it.
    pub fence: i64,
    /// Not to be taken before.
    pub run_after: Option<i64>,
    pub cancel_requested: bool,
    /// The cluster's status when it was asked for.
    pub status_before: Option<String>,
    /// The operation that it repeats.
    pub retry_of: Option<String>,
    /// Whether a member that holds the only copy of the cluster's state may be replaced.
    pub replace_data: bool,
    /// Of a delete: what it took away.
    pub receipt: Option<Json>,
}

/// Rows are joined by hand: the few queries that need it say which rows they want.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
