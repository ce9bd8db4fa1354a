//! `PATCH /v1/credentials/{cluster}`: rotates a cluster's credentials for its cloud (contract magnum-v1 section 2.6).

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jeroboam_model::status::Request;
use jeroboam_store::StoreError;

use crate::AppState;
use crate::http::{ApiError, ApiReason, Caller, Fields, OptionalObject, Params, Result};

/// Always refuses: no infrastructure gives its clusters credentials for a cloud, so there is nothing to rotate
/// (contract: 400 for drivers without support).
#[utoipa::path(patch, path = "/v1/credentials/{ident}", tag = "certificates", params(("ident" = String, Path)),
    responses((status = 400, description = "The infrastructure gives clusters no credentials")))]
pub(crate) async fn rotate(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
    OptionalObject(body): OptionalObject,
) -> Result<Response> {
    params.finish()?;
    Fields::new(body, "credential rotation").finish()?;
    // An administrator needs the role member too: the new credentials are the caller's own.
    caller.may("credential:rotate")?;
    let cluster = crate::cluster::look_up(&state, &caller.scope(), &ident).await?.cluster;
    if !cluster.status.allows(Request::Update) {
        return Err(StoreError::NotAllowed { status: cluster.status, request: Request::Update }.into());
    }
    Err(ApiError::new(
        StatusCode::BAD_REQUEST,
        ApiReason::CredentialsNotSupported,
        format!(
            "The infrastructure {} gives clusters no credentials for a cloud, so cluster {} has none to rotate. \
             Nothing was changed.",
            state.infra.name(),
            cluster.name
        ),
    ))
}
