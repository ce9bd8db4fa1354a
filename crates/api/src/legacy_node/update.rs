//! `PATCH /v1/nodes/{uuid}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_model::LegacyNode;
use jeroboam_types::v1::{LegacyNode as Wire, PatchOperation};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{find, read, view};
use crate::AppState;
use crate::http::patch::{self, Kind, Operation, Rules};
use crate::http::{ApiError, ApiReason, Caller, Fields, JsonPatch, Params, Result};

const RULES: Rules = Rules { internal: &[], mandatory: &[], dictionaries: &[] };

/// The attribute that is set once.
const MACHINE: &str = "ironic_node_id";

/// Updates a node.
#[utoipa::path(patch, path = "/v1/nodes/{uuid}", tag = "nodes", params(("uuid" = String, Path)),
    request_body = Vec<PatchOperation>, responses((status = 200, body = Wire)))]
pub(super) async fn update(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
    JsonPatch(patch): JsonPatch,
) -> Result<Response> {
    params.finish()?;
    let uuid = find(&state, &caller, &ident, "node:update").await?.uuid;
    let node = state.store.update_legacy_node(&caller.scope(), uuid, |old| patched(old, patch.clone())).await?;
    Ok(Json(view::show(&node, &caller)).into_response())
}

/// The node with the patch applied. A machine can be set only on a node that has none.
fn patched(old: LegacyNode, patch: Vec<Operation>) -> Result<LegacyNode> {
    if let Some(machine) = &old.ironic_node_id
        && patch.iter().any(|operation| operation.name == MACHINE && operation.kind != Kind::Remove)
    {
        let detail = format!("Node {} is associated with {machine} already. Remove {MACHINE} first.", old.uuid);
        return Err(ApiError::new(StatusCode::CONFLICT, ApiReason::Conflict, detail).about(MACHINE));
    }
    let mut document: Map<String, Value> = Map::new();
    document.insert("type".to_owned(), json!(old.kind));
    document.insert("image_id".to_owned(), json!(old.image_id));
    document.insert(MACHINE.to_owned(), json!(old.ironic_node_id));
    patch::apply(&mut document, patch, RULES)?;
    let mut fields = Fields::new(document, "node");
    let (kind, image_id, ironic_node_id) = read(&mut fields)?;
    fields.finish()?;
    Ok(LegacyNode { kind, image_id, ironic_node_id, updated_at: Some(Timestamp::now()), ..old })
}
