//! `PATCH /v1/clustertemplates/{ident}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_model::ClusterTemplate;
use jeroboam_types::v1::{ClusterTemplate as Wire, PatchOperation};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::draft::Draft;
use super::view;
use crate::AppState;
use crate::http::patch::{self, Operation, Rules};
use crate::http::{ApiError, Caller, Fields, JsonPatch, Params, Result};
use crate::spelling::Spelling;

/// What is special about attributes of templates.
const RULES: Rules = Rules {
    internal: &[],
    mandatory: &[
        "coe",
        "image_id",
        "network_driver",
        "external_network_id",
        "tls_disabled",
        "public",
        "hidden",
        "server_type",
        "registry_enabled",
        "cluster_distro",
    ],
    dictionaries: &["labels"],
};

/// Attributes of the answer that are no attributes to change.
const DERIVED: [&str; 6] = ["uuid", "project_id", "user_id", "links", "created_at", "updated_at"];

/// Changes a template.
#[utoipa::path(patch, path = "/v1/clustertemplates/{ident}", tag = "cluster templates",
    params(("ident" = String, Path)), request_body = Vec<PatchOperation>, responses((status = 200, body = Wire)))]
pub(super) async fn update(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
    JsonPatch(patch): JsonPatch,
) -> Result<Response> {
    run(&state, &caller, &ident, params, patch, Spelling::Cluster).await
}

pub(super) async fn run(
    state: &AppState,
    caller: &Caller,
    ident: &str,
    params: Params,
    patch: Vec<Operation>,
    spelling: Spelling,
) -> Result<Response> {
    spelling.check(caller.version)?;
    params.finish()?;
    let old = state.store.template(&caller.scope(), ident).await?;
    caller.may_on(&spelling.template_rule("update"), &old.project_id, &old.user_id)?;
    let new = patched(&old, patch, caller, spelling)?;
    if (new.public, new.hidden) != (old.public, old.hidden) {
        caller.may(&spelling.template_rule("publish"))?;
    }
    if new.image_id != old.image_id {
        state.check_image(&new.image_id).await?;
    }
    if (&new.flavor_id, &new.master_flavor_id) != (&old.flavor_id, &old.master_flavor_id) {
        state.check_flavor("flavor_id", new.flavor_id.as_deref())?;
        state.check_flavor("master_flavor_id", new.master_flavor_id.as_deref())?;
    }
    if is_same(&old, &new) {
        return Ok(Json(view::show(&old, caller, spelling)).into_response());
    }
    if !is_harmless(&old, &new) && state.store.template_in_use(old.uuid).await? {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "in_use",
            "The template is used by clusters. Then only one of name, tags, hidden, or making it public can be \
             changed. Make a new template instead.",
        ));
    }
    state.store.update_template(&new).await?;
    Ok(Json(view::show(&new, caller, spelling)).into_response())
}

/// The template with the patch applied and all of it validated again.
fn patched(
    old: &ClusterTemplate,
    patch: Vec<Operation>,
    caller: &Caller,
    spelling: Spelling,
) -> Result<ClusterTemplate> {
    let mut document: Map<String, Value> = match view::show(old, caller, spelling) {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    document.retain(|name, _| !DERIVED.contains(&name.as_str()));
    patch::apply(&mut document, patch, RULES)?;
    let draft = Draft::read(Fields::new(document, spelling.template()), spelling)?;
    Ok(ClusterTemplate {
        uuid: old.uuid,
        project_id: old.project_id.clone(),
        user_id: old.user_id.clone(),
        created_at: old.created_at,
        updated_at: Some(Timestamp::now()),
        // Not shown to baymodels, so not in what they patch.
        driver: if spelling == Spelling::Bay { old.driver.clone() } else { draft.template.driver.clone() },
        ..draft.template
    })
}

fn is_same(old: &ClusterTemplate, new: &ClusterTemplate) -> bool {
    *old == ClusterTemplate { updated_at: old.updated_at, ..new.clone() }
}

/// Whether clusters of the template cannot notice the change: exactly one of name, tags, hidden, or becoming public
/// (contract magnum-v1 section 2.1, in-use rule).
fn is_harmless(old: &ClusterTemplate, new: &ClusterTemplate) -> bool {
    let with = |change: fn(&mut ClusterTemplate, &ClusterTemplate)| {
        let mut only = old.clone();
        change(&mut only, new);
        is_same(&only, new)
    };
    with(|only, new| only.name.clone_from(&new.name))
        || (new.tags.is_some() && with(|only, new| only.tags.clone_from(&new.tags)))
        || with(|only, new| only.hidden = new.hidden)
        || (new.public && with(|only, new| only.public = new.public))
}
