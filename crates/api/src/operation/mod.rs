//! Operations on clusters, current and past. Ours.

mod cancel;
mod events;
mod list;
mod show;

use jeroboam_types::operation::Operation;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::AppState;
use crate::http::{ApiError, Caller, Result, trail};

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(show::show))
        .routes(routes!(events::events))
        .routes(routes!(cancel::cancel))
}

/// An operation that the caller sees and may do `rule` to.
async fn find(state: &AppState, caller: &Caller, ident: &str, rule: &str) -> Result<Operation> {
    let uuid: Uuid = ident.parse().map_err(|_| ApiError::not_found("operation", ident))?;
    let operation = state.store.operation(&caller.scope_of(rule)?, uuid).await?;
    trail::operation(uuid);
    caller.may_on(rule, &operation.project_id, &operation.user_id)?;
    Ok(operation)
}
