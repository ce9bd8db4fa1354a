//! Operations. They outlive their cluster, so they store its id and name without a foreign key.
use sea_orm::entity::prelude::*;

/// A row of `operations`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "operations")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
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
    /// Time limit in microseconds, from its start.
    pub time_limit: Option<i64>,
    pub cause: Option<Json>,
    /// The conductor that holds the lease.
    pub owner: Option<String>,
    /// When the lease expires.
    pub lease_until: Option<i64>,
    /// Grows whenever a conductor claims it.
    pub fence: i64,
    /// It must not be claimed before this time.
    pub run_after: Option<i64>,
    pub cancel_requested: bool,
    /// The cluster's status when the operation was requested.
    pub status_before: Option<String>,
    /// The operation that it retries.
    pub retry_of: Option<String>,
    /// Whether a member that holds the only copy of the cluster's state may be replaced.
    pub replace_data: bool,
    /// Of a delete: what it removed.
    pub receipt: Option<Json>,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
