//! The deployment: whether this database is the right one, and the operator's decision if that is uncertain. Ours;
//! Magnum has no such routes.

mod accept;
mod new_id;
mod show;
mod view;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show::show)).routes(routes!(accept::accept)).routes(routes!(new_id::new_id))
}
