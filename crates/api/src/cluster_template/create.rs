//! `POST /v1/clustertemplates`.

use axum::extract::State;
use axum::response::Response;
use jeroboam_types::v1::{ClusterTemplate, ClusterTemplateCreate};
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::draft::{self, Draft};
use super::view;
use crate::AppState;
use crate::http::{ApiError, Caller, Fields, JsonObject, Params, Result, reply};
use crate::names;
use crate::spelling::Spelling;

/// Attributes that clients may not set.
const READ_ONLY: [&str; 5] = ["links", "created_at", "updated_at", "project_id", "user_id"];

/// Makes a template.
#[utoipa::path(post, path = "/v1/clustertemplates", tag = "cluster templates", request_body = ClusterTemplateCreate,
    responses((status = 201, body = ClusterTemplate)))]
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    run(&state, &caller, params, body, Spelling::Cluster).await
}

pub(super) async fn run(
    state: &AppState,
    caller: &Caller,
    params: Params,
    body: Map<String, Value>,
    spelling: Spelling,
) -> Result<Response> {
    spelling.check(caller.version)?;
    params.finish()?;
    let mut fields = Fields::new(body, spelling.template());
    fields.refuse(&READ_ONLY)?;
    let uuid = draft::read_uuid(&mut fields)?;
    let draft = Draft::read(fields, spelling)?;
    caller.may(&spelling.template_rule("create"))?;
    if draft.template.public || draft.template.hidden {
        caller.may(&spelling.template_rule("publish"))?;
    }
    state.check_image(&draft.template.image_id).await?;
    state.check_flavor("flavor_id", draft.template.flavor_id.as_deref())?;
    state.check_flavor("master_flavor_id", draft.template.master_flavor_id.as_deref())?;

    let mut template = draft.template;
    match &template.driver {
        None => template.driver = Some(state.infra.name().to_owned()),
        Some(driver) if driver != state.infra.name() => {
            let message = format!("must be {}: there is no driver '{driver}' here", state.infra.name());
            return Err(ApiError::field("driver", message));
        }
        Some(_) => {}
    }
    template.uuid = uuid.unwrap_or_else(Uuid::new_v4);
    template.project_id.clone_from(&caller.auth.project_id);
    template.user_id.clone_from(&caller.auth.user_id);
    template.created_at = Timestamp::now();
    let suffix = if spelling == Spelling::Bay { "model" } else { "template" };
    template.name.get_or_insert_with(|| names::generate(suffix));
    state.store.create_template(&template).await?;
    let body = view::show(&template, caller, spelling);
    Ok(reply::created(&caller.base, spelling.templates(), template.uuid, body))
}
