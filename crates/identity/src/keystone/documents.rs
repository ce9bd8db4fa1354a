//! Version documents, by which clients discover v3 and its URL.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{PREFIX, Shared, base};

/// The newest minor version of Keystone's API whose response format we follow.
const VERSION: &str = "v3.14";

fn document(base: &str) -> Value {
    json!({
        "id": VERSION,
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{base}{PREFIX}/v3/")}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    })
}

/// `GET /identity`: 300 with all versions, as in Keystone.
pub(super) async fn versions(State(shared): State<Shared>, headers: HeaderMap) -> impl IntoResponse {
    let body = json!({"versions": {"values": [document(&base(&shared, &headers))]}});
    (StatusCode::MULTIPLE_CHOICES, Json(body))
}

/// `GET /identity/v3`.
pub(super) async fn version(State(shared): State<Shared>, headers: HeaderMap) -> Json<Value> {
    Json(json!({"version": document(&base(&shared, &headers))}))
}
