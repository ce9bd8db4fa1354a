//! `GET /v1/clustertemplates/{ident}/labels`, `GET /v1/clusters/{ident}/labels` and
//! `GET /v1/clusters/{ident}/nodegroups/{group}/labels`: which value applies and where it comes from.

use axum::Json;
use axum::extract::{Path, State};
use jeroboam_model::labels::explain;
use jeroboam_model::labels::explain::Source;
use jeroboam_types::v1::LabelExplanation;

use super::view;
use crate::AppState;
use crate::http::{Caller, Params, Result, Version, availability};

/// Explains the labels that clusters created from a template get.
#[utoipa::path(get, path = "/v1/clustertemplates/{ident}/labels", tag = "labels", params(("ident" = String, Path)),
    responses((status = 200, body = LabelExplanation)))]
pub(super) async fn of_template(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Json<LabelExplanation>> {
    params.finish()?;
    let template = state.store.template(&caller.scope_of("clustertemplate:get")?, &ident).await?;
    if !template.public {
        caller.may_on("clustertemplate:get", &template.project_id, &template.user_id)?;
    }
    // Labels whose version cannot be resolved are explained too: the note says why.
    let version = state.catalog.of(&caller).version(&template).await.ok().flatten().map(|version| version.to_string());
    let levels = [(Source::Template, &template.labels)];
    Ok(Json(view::explanation(explain(template.engine, version.as_deref(), &levels))))
}

/// Explains the labels of a cluster.
#[utoipa::path(get, path = "/v1/clusters/{ident}/labels", tag = "labels", params(("ident" = String, Path)),
    responses((status = 200, body = LabelExplanation)))]
pub(super) async fn of_cluster(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Json<LabelExplanation>> {
    params.finish()?;
    let cluster = crate::cluster::find(&state, &caller, &ident, "cluster:get").await?.cluster;
    let template = state.store.template_of(&cluster).await?;
    let levels = [(Source::Template, &template.labels), (Source::Cluster, &cluster.labels)];
    Ok(Json(view::explanation(explain(cluster.engine, cluster.engine_version.as_deref(), &levels))))
}

/// Explains the labels of a node group.
#[utoipa::path(get, path = "/v1/clusters/{ident}/nodegroups/{group}/labels", tag = "labels",
    params(("ident" = String, Path), ("group" = String, Path)), responses((status = 200, body = LabelExplanation)))]
pub(super) async fn of_node_group(
    State(state): State<AppState>,
    caller: Caller,
    Path((ident, group)): Path<(String, String)>,
    params: Params,
) -> Result<Json<LabelExplanation>> {
    availability::at_least(caller.version, Version::NODE_GROUPS, "nodegroups")?;
    params.finish()?;
    let record = crate::cluster::find(&state, &caller, &ident, "nodegroup:get").await?;
    let group = crate::node_group::find(&record, &group)?;
    let template = state.store.template_of(&record.cluster).await?;
    let levels = [
        (Source::Template, &template.labels),
        (Source::Cluster, &record.cluster.labels),
        (Source::NodeGroup, &group.labels),
    ];
    let cluster = &record.cluster;
    Ok(Json(view::explanation(explain(cluster.engine, cluster.engine_version.as_deref(), &levels))))
}
