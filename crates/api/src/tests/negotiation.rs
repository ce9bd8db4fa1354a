//! Tokens and microversions: what every client does first.

use serde_json::json;

use super::{Answer, Case};

const VERSION: &str = "openstack-api-version";
const SERVICE: &str = "container-infrastructure-management";

async fn ask(case: &Case, path: &str, version: &str) -> Answer {
    case.call("GET", path).token("member").header(VERSION, version).send().await
}

// Covers: R075, R076, R077, R084.
#[tokio::test]
async fn every_name_of_the_service_and_every_way_to_ask_is_understood() {
    let case = Case::new().await;
    let answer = case.call("GET", "/v1/clusters").token("member").send().await.is(200);
    assert_eq!(answer.headers[VERSION], format!("{SERVICE} 1.1"));
    for (asked, answered) in [
        ("container-infra latest", "1.14"),
        ("container-infra LATEST", "1.14"),
        ("container-infrastructure 1.3", "1.3"),
        ("container-infrastructure-management 1.9", "1.9"),
        ("container-infra 1.05", "1.5"),
    ] {
        let answer = ask(&case, "/v1/clusters", asked).await.is(200);
        assert_eq!(answer.headers[VERSION], format!("{SERVICE} {answered}"), "{asked}");
    }
    // 1.05 is 1.5 to the handlers too: rollback came with 1.3, resizing with 1.7.
    case.template("t", "kubernetes").await;
    case.cluster("c", "t").await;
    let as_1_5 = |method: &'static str, path: &'static str, body: serde_json::Value| {
        case.call(method, path).token("member").header(VERSION, "container-infra 1.05").json(&body).send()
    };
    as_1_5("PATCH", "/v1/clusters/c?rollback=true", json!([])).await.is(202);
    as_1_5("POST", "/v1/clusters/c/actions/resize", json!({"node_count": 1})).await.is(406);
}

// Covers: R078.
#[tokio::test]
async fn success_and_error_both_say_which_versions_there_are() {
    let case = Case::new().await;
    for (path, status) in [("/v1/clusters", 200), ("/v1/clusters/nope", 404), ("/clusters", 200), ("/v1/nope", 404)] {
        let answer = ask(&case, path, "container-infra 1.7").await.is(status);
        for (header, value) in
            [("openstack-api-minimum-version", "1.1"), ("openstack-api-maximum-version", "1.14"), (VERSION, "1.7")]
        {
            assert_eq!(answer.headers[header], format!("{SERVICE} {value}"), "{path} {header}");
        }
        assert_eq!(answer.headers["vary"], "OpenStack-API-Version", "{path}");
    }
}

// Covers: R079, R080, R081, R082, R083.
#[tokio::test]
async fn versions_that_are_not_there_are_refused_in_their_own_shape() {
    let case = Case::new().await;
    for asked in ["container-infra", "1.5", "compute 1.5", "container-infra abc", "container-infra 1", "a b c"] {
        let answer = ask(&case, "/v1/clusters", asked).await.is(406);
        let error = &answer.body["errors"][0];
        assert_eq!((error["code"].as_str(), error["status"].as_u64()), (Some(""), Some(406)), "{asked}");
        assert!(!answer.headers.contains_key(VERSION) && !error["title"].as_str().unwrap().is_empty());
    }
    for (asked, echo) in [
        ("container-infra 2.0", "2.0"),
        ("container-infra 0.9", "0.9"),
        ("container-infra 1.15", "1.15"),
        ("container-infra 1.0", "1.0"),
    ] {
        let answer = ask(&case, "/v1/clusters", asked).await.is(406);
        let error = &answer.body["errors"][0];
        assert_eq!(error["code"], "magnum.microversion-unsupported", "{asked}");
        assert_eq!((error["min_version"].as_str(), error["max_version"].as_str()), (Some("1.1"), Some("1.14")));
        assert_eq!(error["links"][0]["rel"], "help");
        assert!(error["description"].as_str().unwrap().contains(echo));
        assert_eq!(answer.headers[VERSION], format!("{SERVICE} {echo}"));
    }
}

// Covers: R085, R086, R087, R090, R091.
#[tokio::test]
async fn routes_are_there_in_their_microversions_only() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.complete_cluster("c", "t").await;
    let resize = json!({"node_count": 2});
    let upgrade = json!({"cluster_template": "t"});
    for (minor, method, path, body, status) in [
        (6, "POST", "/v1/clusters/c/actions/resize", Some(&resize), 406),
        (6, "POST", "/v1/clusters/c/actions/upgrade", Some(&upgrade), 406),
        (7, "POST", "/v1/clusters/c/actions/upgrade", Some(&upgrade), 400),
        (2, "PATCH", "/v1/clusters/c?rollback=True", Some(&json!([])), 400),
        (11, "GET", "/v1/bays", None, 404),
        (11, "GET", "/v1/baymodels", None, 404),
        (14, "GET", "/v1/bays/c", None, 404),
        (14, "GET", "/v1/baymodels/t", None, 404),
        (10, "GET", "/v1/bays", None, 200),
        (10, "GET", "/v1/baymodels", None, 200),
        (7, "POST", "/v1/clusters/c/actions/resize", Some(&resize), 202),
    ] {
        let call = case.call(method, path).token("member").version(minor);
        let call = if let Some(body) = body { call.json(body) } else { call };
        let answer = call.send().await.is(status);
        if status == 406 {
            let error = &answer.body["errors"][0];
            let detail = error["detail"].as_str().unwrap();
            assert!(detail.contains(&format!("1.{minor}")), "{detail}");
            assert!(detail.contains(path.rsplit('/').next().unwrap()), "{detail}");
            assert_eq!(error["code"], "");
        }
    }
}

// Covers: R092, R093, R094, W005.
#[tokio::test]
async fn the_token_comes_before_everything_else() {
    let case = Case::new().await;
    for path in [
        "/v1/clusters",
        "/v1/clustertemplates",
        "/v1/bays",
        "/v1/baymodels",
        "/v1/pods",
        "/v1/services",
        "/v1/rcs",
        "/v1/containers",
        "/v1/clusters/c/nodegroups",
        "/v1/certificates/c",
        "/v1/mservices",
        "/v1/stats",
        "/v1/operations",
    ] {
        for token in [None, Some("wrong")] {
            let call = case.call("GET", path);
            let answer = if let Some(token) = token { call.token(token) } else { call }.send().await.is(401);
            assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Keystone uri=\"http"));
            let error = &answer.body["error"];
            assert_eq!((error["code"].as_u64(), error["title"].as_str()), (Some(401), Some("Unauthorized")));
            assert!(error["message"].is_string());
        }
        case.call("GET", path).header(VERSION, "nonsense").send().await.is(401);
    }
}

// Covers: R085, R086, R088, R089, R090.
#[tokio::test]
async fn whether_a_route_is_there_is_answered_before_its_body_and_query_are_read() {
    let case = Case::new().await;
    for (method, path, minor, status) in [
        ("POST", "/v1/clusters/x/actions/resize", 6, 406),
        ("POST", "/v1/clusters/x/actions/upgrade", 6, 406),
        ("PATCH", "/v1/clusters/x/nodegroups/y", 8, 406),
        ("PATCH", "/v1/credentials/x", 11, 406),
        ("POST", "/v1/bays", 11, 404),
        ("PATCH", "/v1/bays/x", 11, 404),
        ("PUT", "/v1/bays", 11, 404),
        ("DELETE", "/v1/baymodels", 11, 404),
        ("GET", "/v1/bays?limit=1&limit=2", 11, 404),
        ("POST", "/v1/nodes", 11, 404),
    ] {
        for body in [None, Some("nonsense")] {
            let call = case.call(method, path).token("member").version(minor);
            let call = match body {
                Some(text) => call.header("content-type", "text/plain").raw(text),
                None => call,
            };
            let error = call.send().await.is(status).body["errors"][0].clone();
            assert_eq!(error["code"], "", "{method} {path} at 1.{minor}");
        }
    }
}

// Covers: R095.
#[tokio::test]
async fn there_is_one_version_of_the_api() {
    let case = Case::new().await;
    case.get("/v2/clusters").send().await.is(404);
    case.get("/v2").send().await.is(404);
}

// Covers: W006.
#[tokio::test]
async fn clients_of_2015_ask_and_are_answered_in_their_own_header() {
    let case = Case::new().await;
    let old = "x-openstack-magnum-api-version";
    for asked in ["1.1", "latest", "LATEST"] {
        let answer = case.call("GET", "/v1/bays").token("member").header(old, asked).send().await.is(200);
        for header in [old, "x-openstack-magnum-api-minimum-version", "x-openstack-magnum-api-maximum-version"] {
            assert_eq!(answer.headers[header], "1.1", "{asked}");
        }
    }
    // A client that sends neither header may be from 2015 too; one that sends today's is not.
    let silent = case.call("GET", "/v1/bays").token("member").send().await.is(200);
    assert_eq!(silent.headers[old], "1.1");
    assert!(!case.call("GET", "/v1/clusters").token("member").latest().send().await.is(200).headers.contains_key(old));
    for asked in ["1.2", "2.0", "junk"] {
        let answer = case.call("GET", "/v1/bays").token("member").header(old, asked).send().await.is(406);
        assert_eq!(answer.headers.contains_key(old), asked != "junk", "{asked}");
    }
}
