//! Cluster templates, also named baymodels (contract magnum-v1 sections 2.1 and 2.11).

pub(crate) mod baymodel;
pub(crate) mod create;
mod delete;
pub(crate) mod draft;
mod list;
mod show;
mod update;
pub(crate) mod view;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(list::detail))
        .routes(routes!(show::show, update::update, delete::delete))
        .merge(baymodel::routes())
}
