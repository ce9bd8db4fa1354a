//! All routes and their middleware.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state, map_request};
use http::{Method, StatusCode, Uri};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::{ApiError, ApiReason, etag, finish, gate, idempotency, limits, path};
use crate::{AppState, certificate, cluster, cluster_template, healthcheck, mservice, node_group, openapi, operation};
use crate::{
    credential, deployment, engine_version, federation, label, legacy_node, orphan, plan, quota, root, stats, workload,
};

/// Routes that need no token and have no microversion.
fn open_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(root::versions)).routes(routes!(healthcheck::show))
}

/// Routes of v1.
fn v1_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(root::v1))
        .routes(routes!(openapi::show))
        .routes(routes!(mservice::list))
        .routes(routes!(stats::show))
        .routes(routes!(engine_version::list))
        .routes(routes!(credential::rotate))
        .merge(deployment::routes())
        .merge(orphan::routes())
        .merge(quota::routes())
        .merge(federation::routes())
        .merge(legacy_node::routes())
        .merge(cluster_template::routes())
        .merge(cluster::routes())
        .merge(node_group::routes())
        .merge(label::routes())
        .merge(certificate::routes())
        .merge(operation::routes())
        .merge(workload::routes())
}

/// All routes, for the OpenAPI document.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base()).merge(open_routes()).merge(v1_routes())
}

/// The application. `keystone` are the routes of the embedded identity
/// ([`jeroboam_identity::keystone::router`]), if there is one.
pub fn router(state: AppState, keystone: Option<Router>) -> Router {
    let (open, _) = open_routes().split_for_parts();
    let (v1, _) = v1_routes().split_for_parts();
    let v1 = v1
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(state.clone(), etag::conditions))
        .layer(from_fn_with_state(state.clone(), plan::plans))
        .layer(from_fn_with_state(state.clone(), idempotency::once))
        .layer(from_fn_with_state(state.clone(), gate::gate))
        .layer(from_fn(gate::options))
        .with_state(state.clone());
    let routes = open
        .method_not_allowed_fallback(no_method)
        .layer(from_fn(gate::options))
        .with_state(state)
        .merge(keystone.unwrap_or_default())
        .fallback_service(v1);
    // Paths are normalized before routing, so this layer wraps the routers.
    Router::new()
        .fallback_service(routes)
        .layer(map_request(path::normalize))
        .layer(from_fn(limits::limits))
        .layer(CatchPanicLayer::custom(finish::panicked))
        .layer(from_fn(finish::finish))
}

async fn no_route() -> ApiError {
    ApiError::no_route()
}

/// Paths of collections whose items can be changed and deleted.
const COLLECTIONS: [&str; 12] = [
    "/v1/clusters",
    "/v1/clustertemplates",
    "/v1/bays",
    "/v1/baymodels",
    "/v1/pods",
    "/v1/services",
    "/v1/rcs",
    "/v1/containers",
    "/v1/federations",
    "/v1/nodes",
    "/v1/quotas",
    "/v1/orphans",
];

/// PATCH or DELETE on a collection lacks an id (400); any other method is not allowed on the route (405).
async fn no_method(method: Method, uri: Uri) -> ApiError {
    let needs_ident = matches!(method, Method::DELETE | Method::PATCH) && COLLECTIONS.contains(&uri.path());
    if needs_ident {
        return ApiError::router(
            StatusCode::BAD_REQUEST,
            ApiReason::IdentMissing,
            format!("{method} needs the id or name of one resource: {}/IDENT.", uri.path()),
        );
    }
    ApiError::router(
        StatusCode::METHOD_NOT_ALLOWED,
        ApiReason::MethodNotAllowed,
        format!("{method} is not possible here."),
    )
}
