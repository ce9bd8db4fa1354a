//! Workloads in clusters: pods, services and replication controllers of Kubernetes, containers of Swarm (contract
//! workloads-2015 section 2). Nothing of them is stored; each request queries the cluster.

mod container;
mod kind;
mod later;
mod route;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_engine::WorkloadError;
use jeroboam_engine::kubernetes::Workloads;
use jeroboam_engine::swarm::Containers;
use jeroboam_model::EngineKind;
use jeroboam_store::{ClusterRecord, StoreError};
use jeroboam_types::v1::{Link, Pod, ReplicationController, Service};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;

use crate::AppState;
use crate::http::{ApiError, Caller, Fields, Params, Result, reply};

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(kind::routes::<Pod>())
        .merge(kind::routes::<Service>())
        .merge(kind::routes::<ReplicationController>())
        .merge(container::routes())
        .merge(later::routes())
}

/// The field or parameter of `POST` that names the cluster.
const BODY_CLUSTER: &str = "bay_uuid";
/// The parameter of other requests that names the cluster.
const QUERY_CLUSTER: &str = "bay_ident";

/// Longest manifest in a body, in characters; the same as [`jeroboam_engine::manifest::MAX_BYTES`].
const MAX_MANIFEST: usize = jeroboam_engine::manifest::MAX_BYTES;

/// The cluster that a request names, which must have the right engine.
async fn cluster(
    state: &AppState,
    caller: &Caller,
    ident: &str,
    engine: EngineKind,
    (field, missing): (&str, StatusCode),
) -> Result<ClusterRecord> {
    let record = crate::cluster::look_up(state, &caller.scope(), ident).await.map_err(|error| match error {
        error @ StoreError::NotFound { .. } => ApiError::from(error).with_status(missing).about(field),
        other => other.into(),
    })?;
    if record.cluster.engine != engine {
        let message =
            format!("cluster {} runs {}, this needs a {engine} cluster", record.cluster.name, record.cluster.engine);
        return Err(ApiError::field(field, message));
    }
    Ok(record)
}

/// A Kubernetes cluster and its workloads.
struct Kubernetes {
    record: ClusterRecord,
    workloads: Workloads,
}

/// The Kubernetes cluster that the query names and its workloads, if the caller may do `rule`.
async fn kubernetes(state: &AppState, caller: &Caller, params: Params, rule: &str) -> Result<Kubernetes> {
    connect(state, kubernetes_record(state, caller, params, rule).await?).await
}

/// The same without its workloads. The rule is checked first: a caller whom it forbids learns nothing about clusters
/// and causes no queries.
async fn kubernetes_record(state: &AppState, caller: &Caller, mut params: Params, rule: &str) -> Result<ClusterRecord> {
    caller.may(rule)?;
    let ident = params.take(QUERY_CLUSTER).filter(|ident| !ident.is_empty());
    params.finish()?;
    let ident = ident.ok_or_else(|| ApiError::field(QUERY_CLUSTER, "is required: the id or name of a cluster"))?;
    let named_by = (QUERY_CLUSTER, StatusCode::NOT_FOUND);
    let record = cluster(state, caller, &ident, EngineKind::KUBERNETES, named_by).await?;
    caller.may_on(rule, &record.cluster.project_id, &record.cluster.user_id)?;
    crate::cluster::refuse_old(&record.cluster)?;
    Ok(record)
}

async fn connect(state: &AppState, record: ClusterRecord) -> Result<Kubernetes> {
    let access = state.accesses.of(&record).await?;
    let workloads = state.kubernetes.workloads(&access).await?;
    Ok(Kubernetes { record, workloads })
}

/// The project's containers in a swarm.
async fn swarm(state: &AppState, record: &ClusterRecord) -> Result<Containers> {
    let access = state.accesses.of(record).await?;
    Ok(state.swarm.containers(&access, &record.cluster.project_id).await?)
}

/// A manifest for a cluster.
struct NewWorkload {
    cluster: String,
    manifest: Option<String>,
    manifest_url: Option<String>,
}

impl NewWorkload {
    /// Reads a body.
    fn read(body: Map<String, Value>, what: &'static str) -> Result<Self> {
        let mut fields = Fields::new(body, what);
        fields.refuse(&["links", "created_at", "updated_at", "uuid", "name"])?;
        let new = Self {
            cluster: fields.required_text(BODY_CLUSTER)?,
            manifest: fields.text_of("manifest", 0, MAX_MANIFEST)?.filter(|text| !text.is_empty()),
            manifest_url: fields.text_of("manifest_url", 0, MAX_URL)?.filter(|text| !text.is_empty()),
        };
        fields.finish()?;
        if new.manifest.is_none() && new.manifest_url.is_none() {
            return Err(ApiError::field("manifest", "is required, or manifest_url"));
        }
        Ok(new)
    }

    /// The Kubernetes cluster, if the caller may do `rule`.
    async fn find_cluster(&self, state: &AppState, caller: &Caller, rule: &str) -> Result<ClusterRecord> {
        let named_by = (BODY_CLUSTER, StatusCode::BAD_REQUEST);
        let record = cluster(state, caller, &self.cluster, EngineKind::KUBERNETES, named_by).await?;
        caller.may_on(rule, &record.cluster.project_id, &record.cluster.user_id)?;
        crate::cluster::refuse_old(&record.cluster)?;
        Ok(record)
    }

    /// The text of the manifest, fetched if need be.
    async fn text(self, state: &AppState) -> std::result::Result<String, WorkloadError> {
        match (self.manifest, self.manifest_url) {
            (Some(text), _) => Ok(text),
            (None, Some(url)) => state.fetcher.fetch(&url).await,
            (None, None) => {
                Err(WorkloadError::Invalid { field: "manifest".to_owned(), message: "is required".to_owned() })
            }
        }
    }
}

/// Longest URL of a manifest: what browsers take.
const MAX_URL: usize = 2048;

/// What workloads have in common in the API.
trait Item: Serialize {
    /// Its collection, also the key of its list.
    const COLLECTION: &'static str;
    /// The workload's id.
    fn uuid(&self) -> &str;
    /// Sets the cluster and the links.
    fn place(&mut self, cluster: String, links: Vec<Link>);

    /// Sets the attributes that engines do not know.
    fn placed(mut self, record: &ClusterRecord, caller: &Caller) -> Self
    where
        Self: Sized,
    {
        let links = reply::links(&caller.base, Self::COLLECTION, self.uuid());
        self.place(record.cluster.uuid.to_string(), links);
        self
    }
}

macro_rules! item {
    ($type:ty, $collection:literal) => {
        impl super::Item for $type {
            const COLLECTION: &'static str = $collection;

            fn uuid(&self) -> &str {
                &self.uuid
            }

            fn place(&mut self, cluster: String, links: Vec<jeroboam_types::v1::Link>) {
                self.bay_uuid = cluster;
                self.links = links;
            }
        }
    };
}
use item;

/// 200 with one workload.
fn shown<T: Item>(item: T, record: &ClusterRecord, caller: &Caller) -> Response {
    Json(item.placed(record, caller)).into_response()
}

/// 200 with a list of workloads.
fn listed<T: Item>(items: Vec<T>, record: &ClusterRecord, caller: &Caller) -> Response {
    let items = items.into_iter().map(|item| Value::Object(reply::attributes(item.placed(record, caller)))).collect();
    reply::list(T::COLLECTION, items, None)
}

/// 201 with the new workload.
fn made<T: Item>(item: T, record: &ClusterRecord, caller: &Caller) -> Response {
    let item = item.placed(record, caller);
    let uuid = item.uuid().to_owned();
    reply::created(&caller.base, T::COLLECTION, uuid, Value::Object(reply::attributes(item)))
}

/// 204 after a deletion.
fn gone() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
