//! Wire rules that all routes share.

use std::path::Path;

use serde_json::{Value, json};

use super::Case;
use crate::Settings;

// Covers: R001, R002, R003, W001, W002.
#[tokio::test]
async fn documents_tell_clients_where_things_are() {
    let case = Case::new().await;
    let root = case.call("GET", "/").send().await.is(200);
    assert_eq!(
        root.body["versions"],
        json!([{
            "id": "v1", "status": "CURRENT", "min_version": "1.1", "max_version": "1.14",
            "links": [{"rel": "self", "href": "http://api.example:9511/v1/"}],
        }])
    );
    for key in ["name", "description", "versions", "default_version"] {
        assert!(!root.body[key].is_null(), "{key}");
    }
    let links = case.call("GET", "/v1").send().await.is(200).body;
    for collection in [
        "clustertemplates",
        "clusters",
        "quotas",
        "certificates",
        "mservices",
        "stats",
        "federations",
        "credentials",
        "bays",
        "baymodels",
        "pods",
        "services",
        "rcs",
        "containers",
    ] {
        let link = |rel: &str, prefix: &str| json!({"rel": rel, "href": format!("http://api.example:9511{prefix}/{collection}/")});
        assert_eq!(links[collection], json!([link("self", "/v1"), link("bookmark", "")]), "{collection}");
    }
    assert_eq!(links["links"][0], json!({"rel": "self", "href": "http://api.example:9511/v1/"}));
    assert_eq!(root.body["versions"][0]["max_version"], "1.14");
    assert!(!root.headers.contains_key("openstack-api-version"));
    let v1 = case.call("GET", "/v1/").send().await.is(200);
    assert_eq!(v1.headers["openstack-api-version"], "container-infrastructure-management 1.1");
    assert_eq!(v1.body["id"], "v1");
    assert_eq!(v1.body["clusters"][1]["href"], "http://api.example:9511/clusters/");
    assert_eq!(v1.body["nodegroups"][0]["href"], "http://api.example:9511/v1/clusters/{cluster_id}/nodegroups");
    assert!(v1.body["bays"].is_array());
    assert!(case.call("GET", "/v1").latest().send().await.body.get("bays").is_none());
    case.call("GET", "/healthcheck").send().await.is(200);
}

#[tokio::test]
async fn a_disabled_service_says_so_to_load_balancers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("disabled");
    let case = Case::with(Settings { disable_file: Some(file.clone()), ..Settings::default() }).await;
    case.call("GET", "/healthcheck").send().await.is(200);
    std::fs::write(file, "").unwrap();
    case.call("GET", "/healthcheck").send().await.is(503);
}

#[tokio::test]
async fn a_server_that_starts_is_not_healthy_before_it_is_ready() {
    let readiness = crate::Readiness::starting();
    let case = Case::with(Settings { readiness: readiness.clone(), ..Settings::default() }).await;
    case.call("GET", "/healthcheck").send().await.is(503);
    case.call("GET", "/v1").send().await.is(200);
    readiness.reached();
    case.call("GET", "/healthcheck").send().await.is(200);
}

#[tokio::test]
async fn paths_with_slashes_and_without_prefix_are_the_same() {
    let case = Case::new().await;
    for path in ["/v1/clusters", "/v1/clusters/", "/clusters", "/clusters/?limit=5", "/v1/clusters/detail/"] {
        let answer = case.get(path).send().await.is(200);
        assert_eq!(answer.body, json!({"clusters": []}), "{path}");
        assert_eq!(answer.headers["openstack-api-version"], "container-infrastructure-management 1.14");
    }
    for path in ["/v2", "/v1/nope", "/v1/clusters/x/nope/y"] {
        let answer = case.get(path).send().await.is(404);
        assert_eq!(answer.body["errors"][0]["code"], "", "{path}");
    }
}

#[tokio::test]
async fn microversions_are_negotiated() {
    let case = Case::new().await;
    let ask = |value: &'static str| {
        case.call("GET", "/v1/clusters").token("member").header("openstack-api-version", value).send()
    };
    let answer = ask("container-infra 1.7").await.is(200);
    assert_eq!(answer.headers["openstack-api-version"], "container-infrastructure-management 1.7");
    assert_eq!(answer.headers["openstack-api-minimum-version"], "container-infrastructure-management 1.1");
    assert_eq!(answer.headers["vary"], "OpenStack-API-Version");
    let unsupported = ask("container-infra 1.15").await.is(406);
    assert_eq!(unsupported.headers["openstack-api-version"], "container-infrastructure-management 1.15");
    assert_eq!(unsupported.body["errors"][0]["code"], "magnum.microversion-unsupported");
    assert_eq!(unsupported.body["errors"][0]["max_version"], "1.14");
    let malformed = ask("nova 1.1").await.is(406);
    assert!(!malformed.headers.contains_key("openstack-api-version"));
    assert_eq!(malformed.body["errors"][0]["code"], "");
    // The token is checked first.
    case.call("GET", "/v1/clusters").header("openstack-api-version", "x").send().await.is(401);
}

#[tokio::test]
async fn errors_have_both_shapes_and_the_requests_id() {
    let case = Case::new().await;
    let answer = case.get("/v1/clusters/nope").send().await.is(404);
    let id = answer.headers["x-openstack-request-id"].to_str().unwrap();
    assert!(id.starts_with("req-"));
    let error = &answer.body["errors"][0];
    assert_eq!(error["request_id"].as_str(), Some(id));
    assert_eq!((error["code"].as_str(), error["status"].as_u64()), (Some("client"), Some(404)));
    assert_eq!(error["title"], "Cluster nope could not be found");
    let old: Value = serde_json::from_str(answer.body["error_message"].as_str().unwrap()).unwrap();
    assert_eq!(old["faultstring"], "Cluster nope could not be found.");
    let refused = case.call("GET", "/v1/clusters").send().await.is(401);
    assert_eq!(refused.headers["www-authenticate"], "Keystone uri=\"http://api.example:9511/identity\"");
    assert_eq!(refused.body["error"]["title"], "Unauthorized");
    assert_eq!(refused.headers["content-type"], "application/json");
}

#[tokio::test]
async fn what_goes_wrong_inside_stays_inside() {
    let case = Case::new().await;
    for (token, status) in [("unscoped", 403), ("unavailable", 503), ("panic", 500)] {
        let answer = case.call("GET", "/v1/clusters").token(token).send().await.is(status);
        assert!(!answer.body.to_string().contains("secret"), "{}", answer.body);
        assert!(answer.body["errors"][0]["request_id"].as_str().unwrap().starts_with("req-"));
    }
}

#[tokio::test]
async fn methods_and_media_types_are_checked() {
    let case = Case::new().await;
    let answer = case.call("PUT", "/v1/clusters").token("member").send().await.is(405);
    assert!(answer.headers["allow"].to_str().unwrap().contains("POST"));
    case.delete("/v1/clusters").send().await.is(400);
    let options = case.call("OPTIONS", "/v1/clusters").send().await.is(200);
    assert_eq!(options.body, Value::String(String::new()));
    for (accept, status) in [
        ("", 200),
        ("*/*", 200),
        ("application/json", 200),
        ("text/html, */*;q=0.1", 200),
        ("text/html", 406),
        ("application/xml", 406),
    ] {
        case.get("/v1/clusters").header("accept", accept).send().await.is(status);
    }
    // Clients send this type with empty bodies.
    let call = case.delete("/v1/clusters/nope").header("content-type", "application/octet-stream");
    call.send().await.is(404);
}

#[test]
fn the_openapi_document_is_checked_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let document = format!("{}\n", serde_json::to_string_pretty(&crate::openapi()).unwrap());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &document).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(checked_in == document, "docs/openapi.json is out of date: run this test with UPDATE_DOCS=1");
}
