//! The nodes of the API of 2015 (contract workloads-2015 section 2.1): a list of machines with nothing behind it. Served
//! in the microversions that have bays.

mod create;
mod delete;
mod list;
mod show;
mod update;
mod view;

use jeroboam_model::LegacyNode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::AppState;
use crate::http::{ApiError, Caller, Fields, Result};

/// Longest type, in characters.
const MAX_TYPE: usize = 20;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list::list, create::create)).routes(routes!(list::detail)).routes(routes!(
        show::show,
        update::update,
        delete::delete
    ))
}

/// A node that the caller sees and may do `rule` to. Nodes have no names: anything but a uuid is 400.
async fn find(state: &AppState, caller: &Caller, ident: &str, rule: &str) -> Result<LegacyNode> {
    let uuid: Uuid =
        ident.parse().map_err(|_| ApiError::field("uuid", format!("must be a uuid, this is '{ident}'")))?;
    let node = state.store.legacy_node(&caller.scope(), uuid).await?;
    caller.may_on(rule, &node.project_id, &node.user_id)?;
    Ok(node)
}

/// Reads the attributes of a node: type, image and machine.
fn read(fields: &mut Fields) -> Result<(Option<String>, Option<String>, Option<String>)> {
    Ok((fields.text_of("type", 1, MAX_TYPE)?, fields.text("image_id")?, fields.text("ironic_node_id")?))
}
