//! Routes of 2015 that a later version completes (contract workloads-2015 sections 2.3, 2.5 and 2.7). They return 501
//! with an explanation instead of 404, after the checks that the completed route will have.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jeroboam_model::EngineKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::container::NAMED_BY_QUERY;
use super::{QUERY_CLUSTER, cluster, kubernetes_record};
use crate::AppState;
use crate::http::{ApiError, ApiReason, Caller, Params, Result};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(update_pod))
        .routes(routes!(update_service))
        .routes(routes!(update_rc))
        .routes(routes!(update_container))
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(reboot))
        .routes(routes!(pause))
        .routes(routes!(unpause))
        .routes(routes!(list_keypairs, create_keypair))
        .routes(routes!(detail_keypairs))
        .routes(routes!(show_keypair, delete_keypair))
}

/// A route: handler, method, path, summary, rule, parameters, check, and the alternative until it exists.
macro_rules! later {
    (
        $name:ident, $method:ident $path:literal, $what:literal, $rule:literal,
        [$($parameters:tt)*], $check:ident, $instead:expr
    ) => {
        #[utoipa::path($method, path = $path, tag = "later", summary = $what, params($($parameters)*),
            responses((status = 501, description = "Comes with a later version")))]
        async fn $name(State(state): State<AppState>, caller: Caller, params: Params) -> Result<Response> {
            $check(&state, &caller, params, $rule).await?;
            Err(refusal($what, $instead))
        }
    };
}

/// A route of a Kubernetes cluster.
macro_rules! of_kubernetes {
    ($name:ident, $path:literal, $what:literal, $rule:literal) => {
        later!($name, patch $path, $what, $rule, [("ident" = String, Path), ("bay_ident" = String, Query)],
            in_kubernetes, "use kubectl with what 'jeroboam bay config' writes");
    };
}

/// A route of a container.
macro_rules! container {
    ($name:ident, $method:ident $path:literal, $what:literal, $rule:literal) => {
        later!($name, $method $path, $what, $rule, [("ident" = String, Path), ("bay_ident" = Option<String>, Query)],
            in_swarm, "delete the container and recreate it");
    };
}

/// A route of key pairs. They had no rules of their own, and hold a certificate with its key, so the rules of
/// certificates apply.
macro_rules! keypair {
    ($name:ident, $method:ident $path:literal, $what:literal, $rule:literal, [$($parameters:tt)*]) => {
        later!($name, $method $path, $what, $rule, [$($parameters)*],
            nowhere, "keep keys where they were created, and get certificates with POST /v1/certificates");
    };
}

of_kubernetes!(update_pod, "/v1/pods/{ident}", "Changing a pod", "pod:update");
of_kubernetes!(update_service, "/v1/services/{ident}", "Changing a service", "service:update");
of_kubernetes!(update_rc, "/v1/rcs/{ident}", "Changing a replication controller", "rc:update");
container!(update_container, patch "/v1/containers/{ident}", "Changing a container", "container:update");
container!(start, put "/v1/containers/{ident}/start", "Starting a container", "container:start");
container!(stop, put "/v1/containers/{ident}/stop", "Stopping a container", "container:stop");
container!(reboot, put "/v1/containers/{ident}/reboot", "Rebooting a container", "container:reboot");
container!(pause, put "/v1/containers/{ident}/pause", "Pausing a container", "container:pause");
container!(unpause, put "/v1/containers/{ident}/unpause", "Unpausing a container", "container:unpause");
keypair!(list_keypairs, get "/v1/x509keypairs", "Listing key pairs", "certificate:get", []);
keypair!(detail_keypairs, get "/v1/x509keypairs/detail", "Listing key pairs in full", "certificate:get", []);
keypair!(show_keypair, get "/v1/x509keypairs/{ident}", "Showing a key pair", "certificate:get",
    [("ident" = String, Path)]);
keypair!(create_keypair, post "/v1/x509keypairs", "Keeping a key pair", "certificate:create", []);
keypair!(delete_keypair, delete "/v1/x509keypairs/{ident}", "Deleting a key pair", "certificate:create",
    [("ident" = String, Path)]);

fn refusal(what: &str, instead: &str) -> ApiError {
    let detail = format!("{what} comes with a later version of Jeroboam; nothing was changed. Until then {instead}.");
    ApiError::new(StatusCode::NOT_IMPLEMENTED, ApiReason::ComesLater, detail)
}

async fn in_kubernetes(state: &AppState, caller: &Caller, params: Params, rule: &str) -> Result<()> {
    kubernetes_record(state, caller, params, rule).await.map(drop)
}

/// Without a named cluster no swarm is queried for the container: nothing would be done with it.
async fn in_swarm(state: &AppState, caller: &Caller, mut params: Params, rule: &str) -> Result<()> {
    caller.may(rule)?;
    let bay = params.take(QUERY_CLUSTER).filter(|bay| !bay.is_empty());
    params.finish()?;
    if let Some(bay) = bay {
        let record = cluster(state, caller, &bay, EngineKind::SWARM, NAMED_BY_QUERY).await?;
        caller.may_on(rule, &record.cluster.project_id, &record.cluster.user_id)?;
    }
    Ok(())
}

/// Accepts all parameters: there are no key pairs to look up yet.
async fn nowhere(_: &AppState, caller: &Caller, _: Params, rule: &str) -> Result<()> {
    caller.may(rule)
}
