//! Labels: which exist, and which apply where. Ours; Magnum has no such routes.

mod explain;
mod list;
mod show;
mod view;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(show::show))
        .routes(routes!(explain::of_template))
        .routes(routes!(explain::of_cluster))
        .routes(routes!(explain::of_node_group))
}
