//! The documents at `/` and `/v1` (contract magnum-v1 section 1.2).

use axum::extract::State;
use axum::{Extension, Json};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::AppState;
use crate::http::Version;
use crate::http::gate::{self, Base};
use crate::http::params::Params;
use crate::http::reply::HELP_URL;

/// Collections in every microversion.
const COLLECTIONS: [&str; 12] = [
    "clustertemplates",
    "clusters",
    "quotas",
    "certificates",
    "mservices",
    "stats",
    "federations",
    "credentials",
    "pods",
    "services",
    "rcs",
    "containers",
];

/// Lists the versions of the API.
#[utoipa::path(get, path = "/", tag = "service", security(()), responses((status = 200, description = "Versions")))]
pub(crate) async fn versions(State(state): State<AppState>, headers: HeaderMap) -> Json<Value> {
    let base = gate::base(&headers, &state.settings.public_url);
    Json(json!({
        "name": "OpenStack Magnum API",
        "description": "Jeroboam: containers as a service, with the API of OpenStack Magnum.",
        "default_version": {"id": "v1", "links": [{"rel": "self", "href": format!("{base}/v1/")}]},
        "versions": [{
            "id": "v1",
            "status": "CURRENT",
            "min_version": Version::MIN.to_string(),
            "max_version": Version::MAX.to_string(),
            "links": [{"rel": "self", "href": format!("{base}/v1/")}],
        }],
    }))
}

/// Lists the resources of v1.
#[utoipa::path(get, path = "/v1", tag = "service", security(()), responses((status = 200, description = "Resources")))]
pub(crate) async fn v1(
    Extension(Base(base)): Extension<Base>,
    Extension(version): Extension<Version>,
    params: Params,
) -> crate::http::Result<Json<Value>> {
    params.finish()?;
    let mut document = json!({
        "id": "v1",
        "media_types": [{"base": "application/json", "type": "application/vnd.openstack.magnum.v1+json"}],
        "links": [
            {"rel": "self", "href": format!("{base}/v1/")},
            {"rel": "describedby", "type": "text/html", "href": HELP_URL},
        ],
    });
    let pair = |tail: &str| {
        json!([
            {"rel": "self", "href": format!("{base}/v1/{tail}")},
            {"rel": "bookmark", "href": format!("{base}/{tail}")},
        ])
    };
    let bays: &[&str] = if version.has_bays() { &["baymodels", "bays"] } else { &[] };
    for collection in COLLECTIONS.iter().chain(bays).chain(&["operations"]) {
        document[*collection] = pair(&format!("{collection}/"));
    }
    // Not a format string: clients get the braces literally.
    document["nodegroups"] = pair("clusters/{cluster_id}/nodegroups");
    Ok(Json(document))
}
