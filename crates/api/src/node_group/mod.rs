//! Node groups (contract magnum-v1 section 2.4).

pub(crate) mod create;
mod delete;
mod draft;
mod list;
mod show;
mod update;
mod view;

use jeroboam_model::NodeGroup;
use jeroboam_store::ClusterRecord;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::AppState;
use crate::http::{ApiError, Result};

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list::list, create::create)).routes(routes!(
        show::show,
        update::update,
        delete::delete
    ))
}

/// A node group of a cluster by id or name.
pub(crate) fn find<'a>(record: &'a ClusterRecord, ident: &str) -> Result<&'a NodeGroup> {
    let uuid = ident.parse::<Uuid>().ok();
    record
        .groups
        .iter()
        .find(|group| uuid == Some(group.uuid) || group.name == ident)
        .ok_or_else(|| ApiError::not_found("node group", ident))
}
