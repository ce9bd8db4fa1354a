//! `PATCH /v1/clustertemplates/{ident}`.

use axum::extract::{Path, State};
use axum::response::Response;
use jeroboam_model::ClusterTemplate;
use jeroboam_model::labels::LabelRules;
use jeroboam_types::v1::{ClusterTemplate as Wire, PatchOperation};
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::draft::{self, Draft};
use super::{show, view};
use crate::AppState;
use crate::http::patch::{self, Operation, Rules};
use crate::http::{Caller, Fields, JsonPatch, Params, Result, again};
use crate::spelling::Spelling;

/// How the attributes of templates may be patched.
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

/// Attributes of the response that clients cannot change.
const DERIVED: [&str; 6] = ["uuid", "project_id", "user_id", "links", "created_at", "updated_at"];

/// Updates a template.
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
    params.finish()?;
    let uuid = find(state, caller, ident, spelling).await?.uuid;
    // Use its id from here on: others may rename it while this is retried.
    let template = again(|| change(state, caller, uuid, patch.clone(), spelling)).await?;
    Ok(show::answer(&template, caller, spelling))
}

/// A template that the caller sees and may change.
async fn find(state: &AppState, caller: &Caller, ident: &str, spelling: Spelling) -> Result<ClusterTemplate> {
    let rule = spelling.template_rule("update");
    let found = state.store.template(&caller.scope_of(&rule)?, ident).await?;
    caller.may_on(&rule, &found.project_id, &found.user_id)?;
    Ok(found)
}

/// Applies the patch to the template as it is now; all checks are of that state.
async fn change(
    state: &AppState,
    caller: &Caller,
    uuid: Uuid,
    patch: Vec<Operation>,
    spelling: Spelling,
) -> Result<ClusterTemplate> {
    let old = find(state, caller, &uuid.to_string(), spelling).await?;
    let mut new = patched(&old, patch, caller, spelling, state.settings.labels)?;
    if (new.public, new.hidden) != (old.public, old.hidden) {
        caller.may(&spelling.template_rule("publish"))?;
    }
    // An imported template may keep its unknown driver, but no template can be changed to one.
    if new.driver != old.driver {
        new.driver = Some(draft::driver(state, new.driver.take())?);
    }
    if !names_the_same(&old, &new) {
        let distro = state.catalog.of(caller).template(&new, spelling).await?;
        if new.image_id != old.image_id && distro.is_some() {
            new.cluster_distro = distro;
        }
    }
    if is_same(&old, &new) {
        return Ok(old);
    }
    state.store.update_template(&old, &new, is_harmless(&old, &new)).await?;
    // Read back from the database: stored times have microseconds, and tags depend on the stored values.
    find(state, caller, &uuid.to_string(), spelling).await
}

/// The template with the patch applied and all of it validated again.
fn patched(
    old: &ClusterTemplate,
    patch: Vec<Operation>,
    caller: &Caller,
    spelling: Spelling,
    rules: LabelRules,
) -> Result<ClusterTemplate> {
    let mut document: Map<String, Value> = match view::show(old, caller, spelling) {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    document.retain(|name, _| !DERIVED.contains(&name.as_str()));
    let names_keypair = patch.iter().any(|operation| operation.name == "keypair_id");
    patch::apply(&mut document, patch, RULES)?;
    let draft = Draft::read(Fields::new(document, spelling.template()), spelling, &old.labels, rules)?;
    if spelling == Spelling::Bay {
        draft::check_baymodel(&draft.template, Some(old), names_keypair)?;
    }
    Ok(ClusterTemplate {
        uuid: old.uuid,
        project_id: old.project_id.clone(),
        user_id: old.user_id.clone(),
        created_at: old.created_at,
        updated_at: Some(Timestamp::now()),
        // Baymodels do not show it, so a patch cannot contain it.
        driver: if spelling == Spelling::Bay { old.driver.clone() } else { draft.template.driver.clone() },
        ..draft.template
    })
}

/// Whether both name the same resources at the infrastructure, so that no lookup is needed.
fn names_the_same(old: &ClusterTemplate, new: &ClusterTemplate) -> bool {
    let names = |template: &ClusterTemplate| {
        let ClusterTemplate { image_id, flavor_id, master_flavor_id, labels, keypair_id, .. } = template.clone();
        let ClusterTemplate { external_network_id, fixed_network, fixed_subnet, .. } = template.clone();
        let (flavors, networks) = ((flavor_id, master_flavor_id), (external_network_id, fixed_network, fixed_subnet));
        (image_id, flavors, labels, keypair_id, networks)
    };
    names(old) == names(new)
}

fn is_same(old: &ClusterTemplate, new: &ClusterTemplate) -> bool {
    *old == ClusterTemplate { updated_at: old.updated_at, ..new.clone() }
}

/// Whether the change does not affect clusters of the template: exactly one of name, tags, hidden, or becoming public
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
