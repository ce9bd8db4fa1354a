//! `POST /v1/clustertemplates`.

use axum::extract::State;
use axum::response::Response;
use jeroboam_model::Labels;
use jeroboam_store::Tag;
use jeroboam_types::v1::{ClusterTemplate, ClusterTemplateCreate};
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::draft::{self, Draft};
use super::view;
use crate::AppState;
use crate::http::{Caller, Fields, JsonObject, Params, Result, etag, reply};
use crate::names;
use crate::spelling::Spelling;

/// Attributes that clients may not set.
const READ_ONLY: [&str; 5] = ["links", "created_at", "updated_at", "project_id", "user_id"];

/// Creates a template.
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
    params.finish()?;
    let mut fields = Fields::new(body, spelling.template());
    fields.refuse(&READ_ONLY)?;
    let uuid = draft::read_uuid(&mut fields)?;
    if spelling == Spelling::Bay {
        draft::drop_ssh_key(&mut fields)?;
    }
    let draft = Draft::read(fields, spelling, &Labels::new(), state.settings.labels)?;
    if spelling == Spelling::Bay {
        draft::check_baymodel(&draft.template, None, false)?;
    }
    caller.may(&spelling.template_rule("create"))?;
    if draft.template.public || draft.template.hidden {
        caller.may(&spelling.template_rule("publish"))?;
    }
    let mut template = draft.template;
    if let Some(distro) = state.catalog.of(caller).template(&template, spelling).await? {
        template.cluster_distro = Some(distro);
    }
    template.driver = Some(draft::driver(state, template.driver.take())?);
    template.uuid = uuid.unwrap_or_else(Uuid::new_v4);
    template.project_id.clone_from(&caller.auth.project_id);
    template.user_id.clone_from(&caller.auth.user_id);
    template.created_at = Timestamp::now();
    let suffix = if spelling == Spelling::Bay { "model" } else { "template" };
    template.name.get_or_insert_with(|| names::generate(suffix));
    state.store.create_template(&template).await?;
    made(state, caller, template.uuid, spelling).await
}

/// The response to the request that created this template, also when it is repeated.
pub(crate) async fn made(state: &AppState, caller: &Caller, uuid: Uuid, spelling: Spelling) -> Result<Response> {
    let template = state.store.template(&caller.own_scope(), &uuid.to_string()).await?;
    let body = view::show(&template, caller, spelling);
    let response = reply::created(&caller.base, spelling.templates(), uuid, body);
    Ok(etag::tagged(response, Tag::of(&template), caller.version))
}
