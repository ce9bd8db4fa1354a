//! Orphans: clusters at the infrastructure that the database does not contain and does not record as deleted. Ours;
//! Magnum has no such routes.

mod adopt;
mod delete;
mod list;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list::list)).routes(routes!(delete::delete)).routes(routes!(adopt::adopt))
}
