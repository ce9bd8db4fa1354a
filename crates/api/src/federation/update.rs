//! `PATCH /v1/federations/{ident}`: adds and removes clusters, by their ids as values; changes properties.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jeroboam_model::federation::check_properties;
use jeroboam_model::{Federation, Status};
use jeroboam_types::v1::{PatchOperation, UuidOnly};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{WRITTEN_DOWN, cluster, find};
use crate::AppState;
use crate::http::patch::{self, Kind, Operation, Rules};
use crate::http::{ApiError, ApiReason, Caller, Fields, JsonPatch, Params, Result, Version, reply};

/// The attribute whose operations name clusters.
const MEMBERS: &str = "member_ids";

/// How the other attribute may be patched.
const RULES: Rules = Rules { internal: &[], mandatory: &["properties"], dictionaries: &["properties"] };

/// A change of membership.
enum Move {
    Join(Uuid),
    Leave(Uuid),
}

/// Updates a federation.
#[utoipa::path(patch, path = "/v1/federations/{ident}", tag = "federations",
    params(("ident" = String, Path), ("rollback" = Option<bool>, Query)), request_body = Vec<PatchOperation>,
    responses((status = 202, body = UuidOnly)))]
pub(super) async fn update(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    mut params: Params,
    JsonPatch(patch): JsonPatch,
) -> Result<Response> {
    if caller.version >= Version::ROLLBACK {
        // Nothing is set up, so there is nothing to roll back.
        params.boolean("rollback")?;
    }
    params.finish()?;
    let uuid = find(&state, &caller, &ident, "federation:update").await?.uuid;
    let (of_members, of_properties): (Vec<Operation>, Vec<Operation>) =
        patch.into_iter().partition(|operation| operation.name == MEMBERS);
    let mut moves = Vec::new();
    for operation in &of_members {
        moves.push(read_move(&state, &caller, operation).await?);
    }
    if !moves.is_empty() || !of_properties.is_empty() {
        state
            .store
            .update_federation(&caller.scope(), uuid, |before| apply(before, &moves, of_properties.clone()))
            .await?;
    }
    Ok(reply::accepted(uuid, None))
}

async fn read_move(state: &AppState, caller: &Caller, operation: &Operation) -> Result<Move> {
    let (None, Value::String(ident)) = (&operation.key, &operation.value) else {
        return Err(ApiError::field(MEMBERS, "is changed by operations on /member_ids with a cluster's id as value"));
    };
    match operation.kind {
        Kind::Add => Ok(Move::Join(cluster(state, caller, ident, MEMBERS).await?)),
        // A deleted cluster can be removed too.
        Kind::Remove => match ident.parse() {
            Ok(uuid) => Ok(Move::Leave(uuid)),
            Err(_) => Ok(Move::Leave(cluster(state, caller, ident, MEMBERS).await?)),
        },
        Kind::Replace => Err(ApiError::field(MEMBERS, "cannot be replaced. Add and remove clusters")),
    }
}

fn apply(mut federation: Federation, moves: &[Move], patch: Vec<Operation>) -> Result<Federation> {
    for step in moves {
        match step {
            Move::Join(uuid) if federation.members.contains(uuid) => {
                let detail = format!("Cluster {uuid} is a member of the federation already.");
                return Err(ApiError::new(StatusCode::CONFLICT, ApiReason::Conflict, detail).about(MEMBERS));
            }
            Move::Join(uuid) => federation.members.push(*uuid),
            Move::Leave(uuid) => {
                let place = federation.members.iter().position(|member| member == uuid);
                let place = place.ok_or_else(|| ApiError::not_found("member", &uuid.to_string()).about(MEMBERS))?;
                federation.members.remove(place);
            }
        }
    }
    let mut document = Map::new();
    document.insert("properties".to_owned(), json!(federation.properties));
    patch::apply(&mut document, patch, RULES)?;
    let properties = Fields::new(document, "federation").labels("properties")?.unwrap_or_default();
    check_properties(&properties)?;
    Ok(Federation {
        properties,
        status: Status::UpdateComplete,
        status_reason: Some(WRITTEN_DOWN.to_owned()),
        updated_at: Some(Timestamp::now()),
        ..federation
    })
}
