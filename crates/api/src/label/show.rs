//! `GET /v1/labels/{name}`.

use axum::Json;
use axum::extract::Path;
use http::StatusCode;
use jeroboam_model::labels::registry;
use jeroboam_types::v1::Label;

use super::view;
use crate::http::{ApiError, ApiReason, Params, Result};

/// Shows a known label.
#[utoipa::path(get, path = "/v1/labels/{name}", tag = "labels", params(("name" = String, Path)),
    responses((status = 200, body = Label)))]
pub(super) async fn show(Path(name): Path<String>, params: Params) -> Result<Json<Label>> {
    params.finish()?;
    registry::find(&name).map(|spec| Json(view::show(spec))).ok_or_else(|| unknown(&name))
}

fn unknown(name: &str) -> ApiError {
    let hint = match registry::did_you_mean(name) {
        Some(meant) => format!(", did you mean {meant}?"),
        None => "; GET /v1/labels names all.".to_owned(),
    };
    ApiError::new(StatusCode::NOT_FOUND, ApiReason::NotFound, format!("There is no label {name}{hint}"))
}
