//! Federations (contract magnum-v1 section 2.10): records of clusters that belong together. Nothing is set up in the
//! clusters, and the status of a federation says so.

mod create;
mod delete;
mod list;
mod show;
mod update;
mod view;

use jeroboam_model::Federation;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::AppState;
use crate::http::{Caller, Result};

/// The reason in every status: it states that the federation is a record only.
const WRITTEN_DOWN: &str = "Recorded only. Nothing was set up in the clusters: there is no federation control plane.";

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list::list, create::create)).routes(routes!(list::detail)).routes(routes!(
        show::show,
        update::update,
        delete::delete
    ))
}

/// A federation that the caller sees and may do `rule` to.
async fn find(state: &AppState, caller: &Caller, ident: &str, rule: &str) -> Result<Federation> {
    let federation = state.store.federation(&caller.scope(), ident).await?;
    caller.may_on(rule, &federation.project_id, &federation.user_id)?;
    Ok(federation)
}

/// The id of a cluster that the caller sees and names in a field; 404 when there is none.
async fn cluster(state: &AppState, caller: &Caller, ident: &str, field: &str) -> Result<Uuid> {
    let found = crate::cluster::look_up(state, &caller.scope(), ident).await;
    Ok(found.map_err(|error| crate::http::ApiError::from(error).about(field))?.cluster.uuid)
}
