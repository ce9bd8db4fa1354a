//! `POST /v1/clusters/{ident}/actions/retry`: retries the operation that failed. Ours.

use axum::extract::{Path, State};
use axum::response::Response;
use jeroboam_model::OperationKind;
use jeroboam_store::NewOperation;
use jeroboam_types::v1::UuidOnly;

use crate::AppState;
use crate::http::{Caller, Params, Result, reply};

/// Retries the operation that failed last and gave the cluster its status. The new operation continues where that one
/// stopped.
#[utoipa::path(post, path = "/v1/clusters/{ident}/actions/retry", tag = "clusters", params(("ident" = String, Path),
    ("replace_data" = Option<bool>, Query, description = "Whether a member whose disk is gone with the only copy of the \
     cluster's state may be replaced by an empty one: all that was in the cluster is lost then")),
    responses((status = 202, body = UuidOnly, headers(("X-Jeroboam-Operation" = String, description = "Id of the operation")))))]
pub(super) async fn retry(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    mut params: Params,
) -> Result<Response> {
    let replace_data = params.boolean("replace_data")?.unwrap_or_default();
    params.finish()?;
    let record = super::find(&state, &caller, &ident, "cluster:retry").await?;
    let cluster = &record.cluster;
    // A delete can always be retried.
    if !cluster.status.is_leaving() {
        super::refuse_old(cluster)?;
    }
    // The store replaces the kind by that of the failed operation.
    let operation = NewOperation { replace_data, ..caller.operation(OperationKind::Create, &cluster.project_id) };
    let operation = state.store.request_retry(record.id(), operation).await?;
    Ok(reply::accepted(cluster.uuid, Some(&operation)))
}
