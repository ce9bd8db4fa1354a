//! `POST /v1/federations`.

use axum::extract::State;
use axum::response::Response;
use jeroboam_model::federation::check_properties;
use jeroboam_model::{Federation, Status, validate};
use jeroboam_types::v1::{FederationCreate, UuidOnly};
use jiff::Timestamp;
use uuid::Uuid;

use super::{WRITTEN_DOWN, cluster};
use crate::AppState;
use crate::http::{ApiError, Caller, Fields, JsonObject, Params, Result, reply};
use crate::names;

/// Attributes that clients may not set.
const READ_ONLY: [&str; 5] = ["links", "created_at", "updated_at", "project_id", "user_id"];

/// Attributes that are accepted without effect.
const IGNORED: [&str; 3] = ["uuid", "status", "status_reason"];

/// Creates a federation: a record only.
#[utoipa::path(post, path = "/v1/federations", tag = "federations", request_body = FederationCreate,
    responses((status = 202, body = UuidOnly)))]
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    params.finish()?;
    let mut fields = Fields::new(body, "federation");
    fields.refuse(&READ_ONLY)?;
    fields.ignore(&IGNORED);
    let name = fields.text("name")?;
    if let Some(name) = &name {
        validate::cluster_name("name", name)?;
    }
    let host = fields.required_text("hostcluster_id")?;
    let idents = fields.texts("member_ids")?;
    let properties = fields.labels("properties")?.ok_or_else(|| ApiError::field("properties", "is required"))?;
    fields.finish()?;
    check_properties(&properties)?;
    caller.may("federation:create")?;
    let host_cluster = cluster(&state, &caller, &host, "hostcluster_id").await?;
    let mut members = Vec::new();
    for ident in idents {
        let member = cluster(&state, &caller, &ident, "member_ids").await?;
        if members.contains(&member) {
            return Err(ApiError::field("member_ids", format!("names the cluster {ident} twice")));
        }
        members.push(member);
    }
    let federation = Federation {
        uuid: Uuid::new_v4(),
        project_id: caller.auth.project_id.clone(),
        user_id: caller.auth.user_id.clone(),
        name: name.unwrap_or_else(|| names::generate("federation")),
        host_cluster,
        members,
        status: Status::CreateComplete,
        status_reason: Some(WRITTEN_DOWN.to_owned()),
        properties,
        created_at: Timestamp::now(),
        updated_at: None,
    };
    state.store.create_federation(&federation).await?;
    Ok(reply::accepted(federation.uuid, None))
}
