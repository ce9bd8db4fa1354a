//! Clusters, also named bays (contract magnum-v1 sections 2.2, 2.3 and 2.11).

pub(crate) mod bay;
pub(crate) mod create;
mod delete;
mod draft;
mod list;
mod repair;
pub(crate) mod resize;
mod retry;
mod show;
mod spare;
mod topology;
mod update;
mod upgrade;
pub(crate) mod view;
mod why;

use jeroboam_model::{Cluster, OperationKind, kubernetes};
use jeroboam_store::{ClusterRecord, Scope, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::http::{ApiError, Caller, Result, trail};

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(list::detail))
        .routes(routes!(show::show, update::update, delete::delete))
        .routes(routes!(resize::resize))
        .routes(routes!(upgrade::upgrade))
        .routes(routes!(retry::retry))
        .routes(routes!(repair::repair))
        .routes(routes!(repair::pause))
        .routes(routes!(repair::resume))
        .routes(routes!(why::why))
        .routes(routes!(topology::topology))
        .merge(bay::routes())
}

/// A cluster by id or name. Log lines from here on name it.
pub(crate) async fn look_up(
    state: &AppState,
    scope: &Scope,
    ident: &str,
) -> std::result::Result<ClusterRecord, StoreError> {
    let record = state.store.cluster(scope, ident).await?;
    trail::cluster(record.cluster.uuid);
    Ok(record)
}

/// A cluster that the caller sees and may do `rule` to.
pub(crate) async fn find(state: &AppState, caller: &Caller, ident: &str, rule: &str) -> Result<ClusterRecord> {
    let record = look_up(state, &caller.scope_of(rule)?, ident).await?;
    caller.may_on(rule, &record.cluster.project_id, &record.cluster.user_id)?;
    Ok(record)
}

/// The same for changes: a cluster whose version is no longer supported can only be shown and deleted.
pub(crate) async fn find_living(state: &AppState, caller: &Caller, ident: &str, rule: &str) -> Result<ClusterRecord> {
    let record = find(state, caller, ident, rule).await?;
    refuse_old(&record.cluster)?;
    Ok(record)
}

/// Refuses changes of a cluster whose version this release does not support.
pub(crate) fn refuse_old(cluster: &Cluster) -> Result<()> {
    kubernetes::too_old(cluster).map_or(Ok(()), |cause| Err(cause.into()))
}

/// Returns the outcome of a change of a cluster. When its status refused the change, a notification is sent, as for
/// every outcome of a change (contract magnum-v1 section 8.1).
pub(crate) async fn told<T>(
    state: &AppState,
    caller: &Caller,
    record: &ClusterRecord,
    kind: OperationKind,
    outcome: Result<T>,
) -> Result<T> {
    if outcome.as_ref().is_err_and(ApiError::is_status_refusal) {
        let refused = caller.operation(kind, &record.cluster.project_id);
        // The client's response does not depend on the notification.
        if let Err(problem) = state.store.note_refusal(record.id(), &refused).await {
            tracing::warn!(%problem, "cannot send a notification of a refusal");
        }
    }
    outcome
}
