//! `GET /v1/clusters/{cluster}/nodegroups`.

use axum::extract::{Path, State};
use axum::response::Response;
use jeroboam_model::NodeGroup;
use jeroboam_store::Page;
use jeroboam_types::v1::NodeGroupList;

use super::view;
use crate::AppState;
use crate::http::{ApiError, Caller, Params, Result, reply};

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
    let role = params.take("role");
    let listing = params.listing(role.iter().map(|role| ("role", role.clone())).collect())?;
    let record = crate::cluster::find(&state, &caller, &ident, "nodegroup:get_all").await?;
    let mut groups: Vec<&NodeGroup> =
        record.groups.iter().filter(|group| role.as_ref().is_none_or(|role| group.role_name == *role)).collect();
    cut(&mut groups, &listing.page)?;
    let items = groups.iter().map(|group| view::summary(&record, group)).collect();
    let url = format!("{}/v1/clusters/{}/nodegroups", caller.base, record.cluster.uuid);
    let next = listing.next(&url, groups.iter().map(|group| group.uuid));
    Ok(reply::list("nodegroups", items, next))
}

/// Sorts the groups, which come in the order of creation, and cuts out a page. In memory, as a cluster has few.
fn cut(groups: &mut Vec<&NodeGroup>, page: &Page) -> Result<()> {
    // By a number first, then by a string; the sort is stable, so equal ones keep the order of creation.
    let key: fn(&NodeGroup) -> (i64, String) = match page.sort_key.as_deref() {
        // These have no order, or the same value in all groups.
        None | Some("cluster_id" | "project_id" | "stack_id" | "labels" | "node_labels" | "node_taints") => {
            |_| (0, String::new())
        }
        Some("uuid") => |group| text(&group.uuid),
        Some("name") => |group| text(&group.name),
        Some("role") => |group| text(&group.role_name),
        Some("status") => |group| text(&group.status),
        Some("status_reason") => |group| text(group.status_reason.as_deref().unwrap_or_default()),
        Some("version") => |group| text(group.version.as_deref().unwrap_or_default()),
        Some("flavor_id") => |group| text(group.flavor_id.as_deref().unwrap_or_default()),
        Some("image_id") => |group| text(&group.image_id),
        Some("node_count") => |group| number(group.node_count),
        Some("min_node_count") => |group| number(group.min_node_count),
        Some("max_node_count") => |group| number(group.max_node_count.unwrap_or(u32::MAX)),
        Some("docker_volume_size") => |group| number(group.docker_volume_size.unwrap_or(u32::MAX)),
        Some("is_default") => |group| number(u32::from(group.is_default)),
        Some("created_at") => |group| (group.created_at.as_microsecond(), String::new()),
        Some("updated_at") => |group| (group.updated_at.map_or(i64::MAX, |at| at.as_microsecond()), String::new()),
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

fn text(text: &(impl ToString + ?Sized)) -> (i64, String) {
    (0, text.to_string())
}

fn number(number: u32) -> (i64, String) {
    (i64::from(number), String::new())
}
