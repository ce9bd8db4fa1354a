//! Clusters, also spelled bays (contract magnum-v1 sections 2.2, 2.3 and 2.11).

pub(crate) mod bay;
pub(crate) mod create;
mod delete;
mod draft;
mod list;
pub(crate) mod resize;
mod retry;
mod show;
mod spare;
mod topology;
mod update;
mod upgrade;
pub(crate) mod view;

use jeroboam_store::ClusterRecord;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::http::{Caller, Result};

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(list::detail))
        .routes(routes!(show::show, update::update, delete::delete))
        .routes(routes!(resize::resize))
        .routes(routes!(upgrade::upgrade))
        .routes(routes!(retry::retry))
        .routes(routes!(topology::topology))
        .merge(bay::routes())
}

/// A cluster that the caller sees and may do `rule` to.
pub(crate) async fn find(state: &AppState, caller: &Caller, ident: &str, rule: &str) -> Result<ClusterRecord> {
    let record = state.store.cluster(&caller.scope_of(rule), ident).await?;
    caller.may_on(rule, &record.cluster.project_id, &record.cluster.user_id)?;
    Ok(record)
}
