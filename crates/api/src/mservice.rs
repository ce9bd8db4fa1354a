//! `GET /v1/mservices`: the conductors (contract magnum-v1 section 2.9).

use axum::Json;
use axum::extract::State;
use jeroboam_model::Mservice;
use jeroboam_types::v1::{self, MserviceList};
use jiff::Timestamp;

use crate::AppState;
use crate::http::{Caller, Params, Result, reply};

/// Lists the conductors that reported in the last days.
#[utoipa::path(get, path = "/v1/mservices", tag = "service", responses((status = 200, body = MserviceList)))]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Json<MserviceList>> {
    params.finish()?;
    caller.may("magnum-service:get_all")?;
    let now = Timestamp::now();
    let mservices = state.store.mservices().await?.into_iter().map(|service| show(service, now)).collect();
    Ok(Json(MserviceList { mservices }))
}

fn show(service: Mservice, now: Timestamp) -> v1::Mservice {
    v1::Mservice {
        state: if service.is_up(now) { "up" } else { "down" }.to_owned(),
        id: service.id,
        host: service.host,
        binary: service.binary,
        report_count: service.report_count,
        disabled: false,
        disabled_reason: None,
        created_at: reply::time(service.created_at),
        updated_at: Some(reply::time(service.reported_at)),
    }
}
