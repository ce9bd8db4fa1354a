//! Clusters of versions that this release does not support: they can be shown, deleted, and accessed by kubectl,
//! nothing else.

use jeroboam_model::{Cause, CauseExt, Code, EngineKind, Status};
use jeroboam_pki::Authority;
use jeroboam_store::{ClusterId, Outcome};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Case};

/// A living cluster `c` of Kubernetes 1.20.2, with a group of its own.
async fn old() -> Case {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let uuid: Uuid = case.living_cluster("c", "t").await.parse().unwrap();
    case.post("/v1/clusters/c/nodegroups", &json!({"name": "gpu"})).send().await.is(202);
    case.succeed().await;
    for name in EngineKind::KUBERNETES.authorities {
        let authority = Authority::of_cluster("c", name, Timestamp::now()).unwrap();
        let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
        case.store.put_secret(ClusterId::assumed(uuid), name, Some(certificate), Some(&key)).await.unwrap();
    }
    age(&case).await;
    case
}

/// Marks all clusters as created by an earlier release.
async fn age(case: &Case) {
    case.run_sql("UPDATE clusters SET engine_version = 'v1.20.2'").await;
}

#[track_caller]
fn refused(what: &str, answer: &Answer) {
    assert_eq!(answer.status, 409, "{what}: {}", answer.body);
    let error = &answer.body["errors"][0];
    assert_eq!(error["reason"], "kubernetes_too_old", "{what}");
    let detail = error["detail"].as_str().unwrap();
    for words in ["Kubernetes v1.20.2", "1.34 to 1.37", "Make a new cluster", "jeroboam bay config c", "delete"] {
        assert!(detail.contains(words), "{what}: {words} in {detail}");
    }
}

fn replace(path: &str, value: &Value) -> Value {
    json!([{"op": "replace", "path": path, "value": value}])
}

#[tokio::test]
async fn everything_that_would_change_it_says_why_not_and_what_to_do() {
    let case = old().await;
    let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"},
        "spec": {"containers": [{"name": "x", "image": "x"}]}});
    let pod = json!({"bay_uuid": "c", "manifest": manifest.to_string()});
    let groups = "/v1/clusters/c/nodegroups";
    let before = case.get("/v1/clusters/c").send().await.is(200).body;
    for (method, path, body) in [
        ("POST", "/v1/clusters/c/actions/resize", Some(json!({"node_count": 3}))),
        ("POST", "/v1/clusters/c/actions/upgrade", Some(json!({"cluster_template": "t"}))),
        ("PATCH", "/v1/clusters/c", Some(replace("/node_count", &json!(3)))),
        ("PATCH", "/v1/clusters/c", Some(replace("/labels", &json!({})))),
        ("POST", groups, Some(json!({"name": "more"}))),
        ("PATCH", &format!("{groups}/gpu"), Some(replace("/max_node_count", &json!(9)))),
        ("PATCH", &format!("{groups}/gpu"), Some(json!([]))),
        ("DELETE", &format!("{groups}/gpu"), None),
        ("PATCH", "/v1/certificates/c", None),
        ("POST", "/v1/pods", Some(pod)),
        ("GET", "/v1/pods?bay_ident=c", None),
        ("GET", "/v1/pods/detail?bay_ident=c", None),
        ("GET", "/v1/pods/x?bay_ident=c", None),
        ("DELETE", "/v1/pods/x?bay_ident=c", None),
        ("GET", "/v1/services?bay_ident=c", None),
        ("DELETE", "/v1/services/x?bay_ident=c", None),
        ("GET", "/v1/rcs?bay_ident=c", None),
        ("DELETE", "/v1/rcs/x?bay_ident=c", None),
    ] {
        let mut call = case.call(method, path).token("member").latest();
        if let Some(body) = &body {
            call = call.json(body);
        }
        refused(&format!("{method} {path}"), &call.send().await);
    }
    let old = case.call("PATCH", "/v1/bays/c").token("member").version(10);
    refused("the same as a bay", &old.json(&replace("/node_count", &json!(3))).send().await);
    assert_eq!(case.get("/v1/clusters/c").send().await.body, before);
    assert_eq!(case.get("/v1/operations?cluster=c").send().await.body["operations"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn who_may_not_change_it_at_all_learns_no_more_than_before() {
    let case = old().await;
    let resize = |token: &'static str| {
        case.call("POST", "/v1/clusters/c/actions/resize").token(token).latest().json(&json!({"node_count": 3})).send()
    };
    resize("reader").await.is(403);
    resize("other").await.is(404);
}

#[tokio::test]
async fn it_is_looked_at_left_and_deleted_as_ever() {
    let case = old().await;
    for path in [
        "/v1/clusters",
        "/v1/clusters/detail",
        "/v1/clusters/c",
        "/v1/clusters/c/topology",
        "/v1/clusters/c/labels",
        "/v1/clusters/c/nodegroups",
        "/v1/clusters/c/nodegroups/gpu",
        "/v1/clusters/c/nodegroups/gpu/labels",
        "/v1/clusters/c/certificates",
        "/v1/certificates/c",
        "/v1/operations?cluster=c",
    ] {
        case.get(path).send().await.is(200);
    }
    let tree = case.get("/v1/clusters/c/topology").send().await.body;
    assert_eq!((&tree["engine"], &tree["engine_version"]), (&json!("kubernetes v1.20.2"), &json!("v1.20.2")));
    // Users move their workloads away with kubectl.
    let (_, csr) = jeroboam_pki::key_and_request("admin", &[]).unwrap();
    case.post("/v1/certificates", &json!({"cluster_uuid": "c", "csr": csr})).send().await.is(201);
    // An agent inside may still report its health.
    let health = json!([{"op": "replace", "path": "/health_status", "value": "UNHEALTHY"},
        {"op": "replace", "path": "/health_status_reason", "value": {"api": "ok"}}]);
    case.patch("/v1/clusters/c", &health).send().await.is(202);
    assert_eq!(case.get("/v1/clusters/c").send().await.body["health_status"], "UNHEALTHY");
    let uuid = case.get("/v1/clusters/c").send().await.uuid();
    case.delete("/v1/clusters/c").send().await.is(204);
    assert_eq!(case.status(&uuid).await, Status::DeleteInProgress);
}

#[tokio::test]
async fn only_what_would_take_it_away_is_tried_again() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let uuid = case.cluster("c", "t").await;
    let broken = || Outcome::Failed(Cause::user(Code::StepUndone, "it broke", "mend it"));
    case.end(broken()).await;
    age(&case).await;
    assert_eq!(case.status(&uuid).await, Status::CreateFailed);
    let retry = "/v1/clusters/c/actions/retry";
    refused("retry of the creation", &case.post(retry, &json!({})).send().await);
    case.delete("/v1/clusters/c").send().await.is(204);
    case.end(broken()).await;
    assert_eq!(case.status(&uuid).await, Status::DeleteFailed);
    case.call("POST", retry).token("member").latest().send().await.is(202);
    assert_eq!(case.status(&uuid).await, Status::DeleteInProgress);
}

#[tokio::test]
async fn swarms_of_earlier_releases_are_as_alive_as_ever() {
    let case = Case::new().await;
    case.template("s", "swarm").await;
    case.living_cluster("c", "s").await;
    case.run_sql("UPDATE node_groups SET image_id = 'debian-12'").await;
    case.post("/v1/clusters/c/actions/resize", &json!({"node_count": 3})).send().await.is(202);
    case.succeed().await;
    let groups = case.get("/v1/clusters/c/nodegroups").send().await.body;
    let images: Vec<_> = groups["nodegroups"].as_array().unwrap().iter().map(|group| &group["image_id"]).collect();
    assert_eq!(images, ["debian-12", "debian-12"], "nodes to come have the image of those that are there");
}
