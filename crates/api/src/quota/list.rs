//! `GET /v1/quotas`.

use axum::extract::State;
use axum::response::Response;
use jeroboam_store::Scope;
use jeroboam_types::v1::QuotaList;

use super::view;
use crate::AppState;
use crate::http::{Caller, Params, Result, reply};

/// Lists quotas, for admins: those of their own project, or of all.
#[utoipa::path(get, path = "/v1/quotas", tag = "quotas",
    params(("all_tenants" = Option<bool>, Query), ("limit" = Option<u64>, Query), ("marker" = Option<i64>, Query),
        ("sort_key" = Option<String>, Query), ("sort_dir" = Option<String>, Query)),
    responses((status = 200, body = QuotaList)))]
pub(super) async fn list(State(state): State<AppState>, caller: Caller, mut params: Params) -> Result<Response> {
    let all = params.boolean("all_tenants")?.unwrap_or(false);
    let filters = if all { vec![("all_tenants", "True".to_owned())] } else { Vec::new() };
    let listing = params.listing_by::<i64>(filters, "a number")?;
    caller.may("quota:get_all")?;
    let scope = if all { Scope::All } else { caller.own_scope() };
    let quotas = state.store.quotas(&scope, &listing.page).await?;
    let next = listing.next(&format!("{}/v1/quotas", caller.base), quotas.iter().map(|quota| quota.id));
    Ok(reply::list("quotas", quotas.iter().map(view::show).collect(), next))
}
