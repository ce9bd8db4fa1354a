//! `GET /v1/clusters/{cluster}/nodegroups`.

use axum::extract::{Path, State};
use axum::response::Response;
use jeroboam_model::NodeGroup;
use jeroboam_store::Page;
use jeroboam_types::v1::NodeGroupList;

use super::view;
use crate::AppState;
use crate::http::{ApiError, Caller, Params, Result, Version, reply};

/// Lists a cluster's node groups.
#[utoipa::path(get, path = "/v1/clusters/{ident}/nodegroups", tag = "node groups",
    params(("ident" = String, Path), ("role" = Option<String>, Query), ("limit" = Option<u64>, Query),
        ("marker" = Option<String>, Query), ("sort_key" = Option<String>, Query), ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = NodeGroupList)))]
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(ident): Path<String>,
    mut params: Params,
) -> Result<Response> {
    caller.version.at_least(Version::NODE_GROUPS, "nodegroups")?;
    let role = params.take("role");
    let listing = params.listing(role.iter().map(|role| ("role", role.clone())).collect())?;
    let record = crate::cluster::find(&state, &caller, &ident, "nodegroup:get_all").await?;
    let mut groups: Vec<&NodeGroup> =
        record.groups.iter().filter(|group| role.as_ref().is_none_or(|role| group.role.to_string() == *role)).collect();
    cut(&mut groups, &listing.page)?;
    let items = groups.iter().map(|group| view::summary(&record, group)).collect();
    let url = format!("{}/v1/clusters/{}/nodegroups", caller.base, record.cluster.uuid);
    let next = listing.next(&url, groups.iter().map(|group| group.uuid));
    Ok(reply::list("nodegroups", items, next))
}

/// Cuts a page out of the groups, which come in the order of creation. A cluster has few, so memory will do.
fn cut(groups: &mut Vec<&NodeGroup>, page: &Page) -> Result<()> {
    let key: fn(&NodeGroup) -> String = match page.sort_key.as_deref() {
        None => |_| String::new(),
        Some("uuid") => |group| group.uuid.to_string(),
        Some("name") => |group| group.name.clone(),
        Some("role") => |group| group.role.to_string(),
        Some("status") => |group| group.status.to_string(),
        Some("flavor_id") => |group| group.flavor_id.clone().unwrap_or_default(),
        Some("image_id") => |group| group.image_id.clone(),
        Some("created_at") => |group| group.created_at.to_string(),
        Some("is_default") => |group| group.is_default.to_string(),
        Some(other) => return Err(ApiError::field("sort_key", format!("lists cannot be sorted by '{other}'"))),
    };
    groups.sort_by_key(|group| key(group));
    if page.descending {
        groups.reverse();
    }
    if let Some(marker) = page.marker {
        let at = groups.iter().position(|group| group.uuid == marker);
        let at = at.ok_or_else(|| ApiError::not_found("node group", &marker.to_string()))?;
        groups.drain(..=at);
    }
    groups.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    Ok(())
}
