//! `GET /v1/labels`.

use axum::Json;
use axum::extract::State;
use jeroboam_model::labels::registry;
use jeroboam_types::v1::LabelList;

use super::view;
use crate::AppState;
use crate::http::{Params, Result};

/// Lists all known labels. They are the same for everybody.
#[utoipa::path(get, path = "/v1/labels", tag = "labels", responses((status = 200, body = LabelList)))]
pub(super) async fn list(State(state): State<AppState>, params: Params) -> Result<Json<LabelList>> {
    params.finish()?;
    let labels = registry::all().map(view::show).collect();
    Ok(Json(LabelList { rules: state.settings.labels.to_string(), labels }))
}
