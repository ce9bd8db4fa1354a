//! `GET /v1/orphans`.

use axum::Json;
use axum::extract::State;
use jeroboam_infra::Remains;
use jeroboam_types::v1::{Orphan, OrphanList};

use crate::AppState;
use crate::http::{Caller, Params, Result, reply};

/// Lists what exists of clusters that the database does not know. It stays untouched until it is adopted or deleted
/// here.
#[utoipa::path(get, path = "/v1/orphans", tag = "service", responses((status = 200, body = OrphanList)))]
pub(super) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<OrphanList>> {
    params.finish()?;
    caller.may("orphan:get_all")?;
    let orphans = state.lookout.orphans().await?.into_iter().map(view).collect();
    Ok(Json(OrphanList { orphans }))
}

fn view(remains: Remains) -> Orphan {
    Orphan {
        uuid: remains.cluster,
        name: remains.name,
        project_id: remains.project_id,
        machines: remains.machines,
        disks: remains.disks,
        networks: remains.networks,
        created_at: remains.created.map(reply::time),
    }
}
