//! `GET /v1/mservices`: the conductors (contract magnum-v1 section 2.9).

use axum::Json;
use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::AppState;
use crate::http::{Caller, Params, Result, reply};

/// One report per minute, as Magnum's conductors send them.
const REPORT_INTERVAL: SignedDuration = SignedDuration::from_secs(60);

/// All conductors. There is one process, and the conductor is a part of it: it is up because this answers.
#[utoipa::path(get, path = "/v1/mservices", tag = "service", responses((status = 200, description = "Conductors")))]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<Value>> {
    params.finish()?;
    caller.may("magnum-service:get_all")?;
    let now = Timestamp::now();
    let up_for = now.duration_since(state.started_at);
    let reports = 1 + up_for.as_secs().max(0) / REPORT_INTERVAL.as_secs();
    Ok(Json(json!({"mservices": [{
        "id": 1,
        "host": state.settings.host,
        "binary": "magnum-conductor",
        "state": "up",
        "report_count": reports,
        "disabled": false,
        "disabled_reason": null,
        "created_at": reply::time(state.started_at),
        "updated_at": reply::time(now),
    }]})))
}
