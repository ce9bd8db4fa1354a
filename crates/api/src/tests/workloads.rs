//! Workloads as far as they go without a cluster; with one they are tested end to end.

use jeroboam_store::{ClusterFacts, ClusterId, Outcome};
use serde_json::json;

use super::Case;

#[tokio::test]
async fn a_cluster_without_an_api_says_when_there_will_be_one() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.cluster("c", "t").await;
    let answer = case.get("/v1/pods?bay_ident=c").send().await.is(409);
    assert_eq!(answer.body["errors"][0]["reason"], "cluster_not_reachable_yet");
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_503_and_hides_nothing_else() {
    let case = Case::new().await;
    case.template("s", "swarm").await;
    let uuid = case.cluster("herd", "s").await;
    let authority = jeroboam_pki::Authority::generate("herd", jiff::Timestamp::now()).unwrap();
    let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
    case.store
        .put_secret(ClusterId::assumed(uuid.parse().unwrap()), "kubernetes", Some(certificate), Some(&key))
        .await
        .unwrap();
    // Nobody listens on port 1 of this machine.
    let facts = ClusterFacts { api_address: Some("https://127.0.0.1:1".into()), ..ClusterFacts::default() };
    case.end(Outcome::Succeeded { facts }).await;
    let answer = case.get("/v1/containers?bay_ident=herd").send().await.is(503);
    assert_eq!(answer.body["errors"][0]["reason"], "cluster_unreachable");
    assert_eq!(case.get("/v1/containers").send().await.is(200).body, json!({"containers": []}));
    case.get("/v1/containers/x").send().await.is(503);
    // A caller without permission is refused, and no swarm is queried.
    for (method, path) in [
        ("GET", "/v1/containers"),
        ("GET", "/v1/containers/x"),
        ("GET", "/v1/containers/x?bay_ident=herd"),
        ("GET", "/v1/containers/x/logs"),
        ("PUT", "/v1/containers/x/execute"),
        ("DELETE", "/v1/containers/x"),
        ("GET", "/v1/pods"),
        ("GET", "/v1/pods/x?nonsense=1"),
        ("GET", "/v1/services?bay_ident=nope"),
        ("DELETE", "/v1/rcs/x"),
    ] {
        case.call(method, path).token("nobody").latest().send().await.is(403);
    }
    for path in ["pods", "services", "rcs", "containers"] {
        case.call("POST", &format!("/v1/{path}")).token("nobody").latest().json(&json!({})).send().await.is(403);
    }
}

#[tokio::test]
async fn what_comes_later_says_so_and_what_to_do_until_then() {
    let case = Case::new().await;
    case.template("s", "swarm").await;
    case.cluster("herd", "s").await;
    for (method, path, advice) in [
        ("PUT", "/v1/containers/x/start", "recreate it"),
        ("PUT", "/v1/containers/x/unpause/", "recreate it"),
        ("PATCH", "/v1/containers/x", "recreate it"),
        ("GET", "/v1/x509keypairs", "POST /v1/certificates"),
    ] {
        let answer = case.call(method, path).token("member").version(10).send().await.is(501);
        let error = &answer.body["errors"][0];
        assert_eq!((&error["reason"], &error["code"]), (&json!("comes_later"), &json!("server")));
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.contains("comes with a later version of Jeroboam") && detail.contains(advice), "{detail}");
    }
    // All checks come first.
    for (method, path, status) in [
        ("PUT", "/v1/containers/x/start?nonsense=1", 400),
        ("PUT", "/v1/containers/x/start?bay_ident=nope", 404),
        ("PUT", "/v1/containers/x/dance", 404),
        ("GET", "/v1/containers/x/start", 405),
        ("PATCH", "/v1/pods/x", 400),
        ("PATCH", "/v1/pods/x?bay_ident=nope", 404),
        ("PATCH", "/v1/pods/x?bay_ident=herd", 400),
        ("PATCH", "/v1/x509keypairs/x", 405),
    ] {
        case.call(method, path).token("member").version(10).send().await.is(status);
    }
    // Removed together with bays.
    case.get("/v1/x509keypairs").send().await.is(404);
}
