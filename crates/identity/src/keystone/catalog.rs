//! The service catalogue: endpoints of identity and container infrastructure.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::Error;
use super::tokens::caller;
use super::{PREFIX, Shared, base};
use crate::embedded::REGION;

/// Type, name and path of each service. Clients before 2016 look for `container`.
const SERVICES: [(&str, &str, &str); 3] =
    [("identity", "keystone", PREFIX), ("container-infra", "magnum", "/v1"), ("container", "magnum", "/v1")];

const INTERFACES: [&str; 3] = ["public", "internal", "admin"];

/// A stable id: always the same for the same `thing`.
fn id(thing: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, thing.as_bytes()).simple().to_string()
}

fn endpoint(base: &str, service: &str, interface: &str, path: &str) -> Value {
    json!({
        "id": id(&format!("{service}/{interface}")),
        "interface": interface,
        "region": REGION,
        "region_id": REGION,
        "url": format!("{base}{path}"),
    })
}

/// The catalogue in the form that tokens contain.
pub(super) fn build(base: &str) -> Value {
    SERVICES
        .iter()
        .map(|(kind, name, path)| {
            let endpoints: Vec<Value> =
                INTERFACES.iter().map(|interface| endpoint(base, kind, interface, path)).collect();
            json!({"id": id(kind), "type": kind, "name": name, "endpoints": endpoints})
        })
        .collect()
}

/// `GET /v3/auth/catalog`.
pub(super) async fn show(State(shared): State<Shared>, headers: HeaderMap) -> Result<Json<Value>, Error> {
    caller(&shared, &headers)?;
    Ok(Json(json!({"catalog": build(&base(&shared, &headers)), "links": {}})))
}

/// `GET /v3/services`.
pub(super) async fn services(State(shared): State<Shared>, headers: HeaderMap) -> Result<Json<Value>, Error> {
    caller(&shared, &headers)?;
    let all: Vec<Value> = SERVICES
        .iter()
        .map(|(kind, name, _)| json!({"id": id(kind), "type": kind, "name": name, "enabled": true, "links": {}}))
        .collect();
    Ok(Json(json!({"services": all, "links": {}})))
}

/// `GET /v3/endpoints`.
pub(super) async fn endpoints(State(shared): State<Shared>, headers: HeaderMap) -> Result<Json<Value>, Error> {
    caller(&shared, &headers)?;
    let base = base(&shared, &headers);
    let mut all = Vec::new();
    for (kind, _, path) in SERVICES {
        for interface in INTERFACES {
            let mut endpoint = endpoint(&base, kind, interface, path);
            endpoint["service_id"] = id(kind).into();
            endpoint["enabled"] = true.into();
            all.push(endpoint);
        }
    }
    Ok(Json(json!({"endpoints": all, "links": {}})))
}

/// `GET /v3/regions`.
pub(super) async fn regions(State(shared): State<Shared>, headers: HeaderMap) -> Result<Json<Value>, Error> {
    caller(&shared, &headers)?;
    let region = json!({"id": REGION, "description": "", "parent_region_id": null, "links": {}});
    Ok(Json(json!({"regions": [region], "links": {}})))
}
