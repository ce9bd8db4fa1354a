//! Deleting old history.

use jeroboam_model::{OperationKind, OperationStatus};
use jiff::{SignedDuration, Timestamp};
use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::{cluster, issued_certificate, operation, step};
use crate::error::Doing;
use crate::{Result, Store, codec};

/// Most operations, and most certificates, that one call deletes: other writers get in between calls.
const PIECE: u64 = 500;

/// How long at least it stays known that a cluster was deleted, whatever retention is configured: resources that an
/// infrastructure finishes creating late are removed because of it (decision 22).
pub const DELETION_KNOWN: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Store {
    /// Deletes a batch of history older than `keep`: finished operations with their steps, and certificates signed for
    /// users, of existing clusters only those that have expired. The operation that a cluster's status is from stays.
    /// Returns the number of deleted rows without steps; 0 means that nothing is left. That a cluster was deleted stays
    /// known for [`DELETION_KNOWN`].
    ///
    /// # Errors
    /// On a database error.
    pub async fn forget_history(&self, keep: SignedDuration, now: Timestamp) -> Result<u64> {
        let doing = "deleting old history";
        self.write(|transaction| async move {
            let operations = forget_operations(&transaction, before(now, keep), before(now, DELETION_KNOWN)).await?;
            let certificates = forget_certificates(&transaction, before(now, keep), codec::micros(now)).await?;
            self.commit(transaction, doing).await?;
            Ok(operations + certificates)
        })
        .await
    }
}

/// `time` before now, in microseconds as stored.
fn before(now: Timestamp, time: SignedDuration) -> i64 {
    codec::micros(now.saturating_sub(time).unwrap_or(Timestamp::MIN))
}

/// The operations that the status of an existing cluster is from.
fn decisive() -> SelectStatement {
    let mut select = Query::select().column(cluster::Column::OperationUuid).from(cluster::Entity).to_owned();
    select.and_where(cluster::Column::OperationUuid.is_not_null()).to_owned()
}

/// The uuids of existing clusters.
fn there() -> SelectStatement {
    Query::select().column(cluster::Column::Uuid).from(cluster::Entity).to_owned()
}

async fn forget_operations(connection: &impl ConnectionTrait, oldest: i64, deletions: i64) -> Result<u64> {
    use operation::Column as C;
    let doing = "deleting old operations";
    let tells_of_no_deletion = Condition::any()
        .add(C::Kind.ne(OperationKind::Delete.to_string()))
        .add(C::Status.ne(OperationStatus::Succeeded.to_string()))
        .add(C::FinishedAt.lt(deletions));
    let old: Vec<String> = operation::Entity::find()
        .select_only()
        .column(C::Uuid)
        .filter(C::FinishedAt.lt(oldest))
        .filter(C::Uuid.not_in_subquery(decisive()))
        .filter(tells_of_no_deletion)
        .order_by_asc(C::Id)
        .limit(PIECE)
        .into_tuple()
        .all(connection)
        .await
        .doing(doing)?;
    if old.is_empty() {
        return Ok(0);
    }
    step::Entity::delete_many()
        .filter(step::Column::OperationUuid.is_in(old.iter().map(String::as_str)))
        .exec(connection)
        .await
        .doing(doing)?;
    let deleted = operation::Entity::delete_many().filter(C::Uuid.is_in(old)).exec(connection).await.doing(doing)?;
    Ok(deleted.rows_affected)
}

async fn forget_certificates(connection: &impl ConnectionTrait, oldest: i64, now: i64) -> Result<u64> {
    use issued_certificate::Column as C;
    let doing = "deleting old certificates";
    let old: Vec<i64> = issued_certificate::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::CreatedAt.lt(oldest))
        .filter(Condition::any().add(C::ExpiresAt.lt(now)).add(C::ClusterUuid.not_in_subquery(there())))
        .order_by_asc(C::Id)
        .limit(PIECE)
        .into_tuple()
        .all(connection)
        .await
        .doing(doing)?;
    if old.is_empty() {
        return Ok(0);
    }
    let deleted =
        issued_certificate::Entity::delete_many().filter(C::Id.is_in(old)).exec(connection).await.doing(doing)?;
    Ok(deleted.rows_affected)
}
