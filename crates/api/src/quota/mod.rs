//! Quotas of projects (contract magnum-v1 section 2.7). The store enforces them when it creates resources.

mod create;
mod delete;
mod list;
mod show;
mod update;
mod view;

use axum::routing::any;
use jeroboam_model::QuotaResource;
use strum::IntoEnumIterator;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::http::{ApiError, Result};

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(show::show, update::update, delete::delete))
        .route("/v1/quotas/{project_id}", any(resource_missing))
}

/// A quota belongs to a project and a resource: a path with the project alone is incomplete.
async fn resource_missing() -> ApiError {
    ApiError::field("resource", format!("is missing: /v1/quotas/PROJECT/RESOURCE, with one of {}", resources()))
}

/// The resource that a path names.
fn resource(text: &str, project: &str) -> Result<QuotaResource> {
    text.parse().map_err(|_| ApiError::not_found("quota", &format!("of project {project} for {text}")))
}

/// All resources, for messages.
fn resources() -> String {
    QuotaResource::iter().map(|resource| resource.to_string()).collect::<Vec<_>>().join(", ")
}
