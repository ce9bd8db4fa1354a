//! Kinds of Kubernetes workloads: their names, and the routes that all of them have (contract workloads-2015 section
//! 2.3).

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jeroboam_engine::kubernetes::{ManifestOf, Workload};
use jeroboam_types::v1::{
    Pod, PodList, ReplicationController, ReplicationControllerList, Service, ServiceList, WorkloadCreate,
};
use utoipa::ToSchema;
use utoipa::openapi::HttpMethod::{Delete, Get, Post};
use utoipa_axum::router::OpenApiRouter;

use super::route::Route;
use super::{Item, NewWorkload, QUERY_CLUSTER, connect, gone, item, kubernetes, listed, made, shown};
use crate::AppState;
use crate::http::{Caller, JsonObject, Params, Result};

/// A kind of Kubernetes workload.
pub(super) trait Kind: Item + Workload + ToSchema + 'static {
    /// The body of its list.
    type List: ToSchema;
    /// The prefix of its policy rules.
    const RULES: &'static str;
    /// The plural noun in messages.
    const PLURAL: &'static str;

    /// The name of a policy rule about it.
    fn rule(action: &str) -> String {
        format!("{}:{action}", Self::RULES)
    }
}

item!(Pod, "pods");
impl Kind for Pod {
    type List = PodList;
    const RULES: &'static str = "pod";
    const PLURAL: &'static str = "pods";
}

item!(Service, "services");
impl Kind for Service {
    type List = ServiceList;
    const RULES: &'static str = "service";
    const PLURAL: &'static str = "services";
}

item!(ReplicationController, "rcs");
impl Kind for ReplicationController {
    type List = ReplicationControllerList;
    const RULES: &'static str = "rc";
    const PLURAL: &'static str = "replication controllers";
}

/// The routes of a kind.
pub(super) fn routes<K: Kind>() -> OpenApiRouter<AppState> {
    let (noun, plural) = (K::NOUN, K::PLURAL);
    let all = format!("/v1/{}", K::COLLECTION);
    let (detailed, one) = (format!("{all}/detail"), format!("{all}/{{ident}}"));
    let lists = Route::new(Get, &all, plural, format!("Lists the {plural} of a cluster."))
        .query(QUERY_CLUSTER)
        .answers::<K::List>(StatusCode::OK);
    let details = Route::new(Get, &detailed, plural, "The same; the list is in full already.")
        .query(QUERY_CLUSTER)
        .answers::<K::List>(StatusCode::OK);
    let shows = Route::new(Get, &one, plural, format!("Shows a {noun} by id or name."))
        .path("ident")
        .query(QUERY_CLUSTER)
        .answers::<K>(StatusCode::OK);
    let makes = Route::new(Post, &all, plural, format!("Creates a {noun} from a manifest."))
        .reads::<WorkloadCreate>()
        .answers::<K>(StatusCode::CREATED);
    let deletes = Route::new(Delete, &one, plural, format!("Deletes a {noun} by id or name."))
        .path("ident")
        .query(QUERY_CLUSTER)
        .answers_nothing();
    OpenApiRouter::new()
        .routes(lists.to(list::<K>))
        .routes(makes.to(create::<K>))
        .routes(details.to(detail::<K>))
        .routes(shows.to(show::<K>))
        .routes(deletes.to(delete::<K>))
}

async fn list<K: Kind>(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    all::<K>(&state, &caller, params, "get_all").await
}

async fn detail<K: Kind>(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
    all::<K>(&state, &caller, params, "detail").await
}

async fn all<K: Kind>(state: &AppState, caller: &Caller, params: Params, action: &str) -> Result<Response> {
    let cluster = kubernetes(state, caller, params, &K::rule(action)).await?;
    let items: Vec<K> = cluster.workloads.list().await?;
    Ok(listed(items, &cluster.record, caller))
}

async fn show<K: Kind>(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, &K::rule("get")).await?;
    let item: K = cluster.workloads.get(&ident).await?;
    Ok(shown(item, &cluster.record, &caller))
}

async fn create<K: Kind>(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
    JsonObject(body): JsonObject,
) -> Result<Response> {
    let rule = K::rule("create");
    caller.may(&rule)?;
    params.finish()?;
    let new = NewWorkload::read(body, K::NOUN)?;
    let record = new.find_cluster(&state, &caller, &rule).await?;
    let manifest = ManifestOf::<K>::parse(&new.text(&state).await?)?;
    let cluster = connect(&state, record).await?;
    let item: K = cluster.workloads.create(&manifest).await?;
    Ok(made(item, &cluster.record, &caller))
}

async fn delete<K: Kind>(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    params: Params,
) -> Result<Response> {
    let cluster = kubernetes(&state, &caller, params, &K::rule("delete")).await?;
    cluster.workloads.delete::<K>(&ident).await?;
    Ok(gone())
}
