//! `POST /v1/nodes`. An empty object is enough.

use axum::extract::State;
use axum::response::Response;
use jeroboam_model::LegacyNode;
use jeroboam_types::v1::{LegacyNode as Wire, LegacyNodeCreate};
use jiff::Timestamp;
use uuid::Uuid;

use super::{read, view};
use crate::AppState;
use crate::http::{ApiError, Caller, Fields, JsonObject, Params, Result, reply};

/// Attributes that clients may not set.
const READ_ONLY: [&str; 5] = ["links", "created_at", "updated_at", "project_id", "user_id"];

/// Creates a node.
#[utoipa::path(post, path = "/v1/nodes", tag = "nodes", request_body = LegacyNodeCreate,
    responses((status = 201, body = Wire)))]
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    params.finish()?;
    let mut fields = Fields::new(body, "node");
    fields.refuse(&READ_ONLY)?;
    let uuid = match fields.text("uuid")? {
        None => Uuid::new_v4(),
        Some(text) => text.parse().map_err(|_| ApiError::field("uuid", format!("must be a uuid, this is '{text}'")))?,
    };
    let (kind, image_id, ironic_node_id) = read(&mut fields)?;
    fields.finish()?;
    caller.may("node:create")?;
    let node = LegacyNode {
        uuid,
        project_id: caller.auth.project_id.clone(),
        user_id: caller.auth.user_id.clone(),
        kind,
        image_id,
        ironic_node_id,
        created_at: Timestamp::now(),
        updated_at: None,
    };
    state.store.create_legacy_node(&node).await?;
    Ok(reply::created(&caller.base, "nodes", uuid, view::show(&node, &caller)))
}
