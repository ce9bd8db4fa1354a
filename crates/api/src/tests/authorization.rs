//! Every route, called by all kinds of callers. A route that is not in the table fails the test.

use std::collections::BTreeSet;

use jeroboam_model::{Cause, CauseExt, Code, EngineKind};
use jeroboam_pki::Authority;
use jeroboam_store::{ClusterFacts, ClusterId, Outcome};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Case};
use crate::openapi;

/// Statuses for: no token, a wrong one, an expired one, a member of another project, a reader, a member, an admin.
type Expected = [u16; 7];

const CALLERS: [Option<&str>; 7] =
    [None, Some("wrong"), Some("expired"), Some("other"), Some("reader"), Some("member"), Some("admin")];

const OPEN: Expected = [200; 7];

/// A table of all routes. `{cluster}` is a Kubernetes cluster without an API yet, created by `member`; `{swarm}` the
/// same of Swarm; `{failed}` one whose creation failed; `{template}` their template, `{spare}` one that no cluster
/// uses. Allowed requests that need the cluster's API get 409, as there is none.
fn table() -> Vec<(&'static str, &'static str, Expected)> {
    let read = [401, 401, 401, 404, 200, 200, 200];
    let list = [401, 401, 401, 200, 200, 200, 200];
    let in_cluster = [401, 401, 401, 404, 409, 409, 409];
    let into_cluster = [401, 401, 401, 400, 403, 409, 409];
    let change_cluster = [401, 401, 401, 404, 403, 409, 409];
    let later = [401, 401, 401, 404, 403, 501, 501];
    vec![
        ("GET", "/", OPEN),
        ("GET", "/healthcheck", OPEN),
        ("GET", "/v1", OPEN),
        ("GET", "/v1/openapi.json", OPEN),
        ("GET", "/v1/mservices", [401, 401, 401, 403, 403, 403, 200]),
        ("GET", "/v1/deployment", [401, 401, 401, 403, 403, 403, 200]),
        ("POST", "/v1/deployment/actions/accept", [401, 401, 401, 403, 403, 403, 409]),
        ("POST", "/v1/deployment/actions/new-id", [401, 401, 401, 403, 403, 403, 409]),
        ("GET", "/v1/orphans", [401, 401, 401, 403, 403, 403, 200]),
        ("DELETE", "/v1/orphans/{operation}", [401, 401, 401, 403, 403, 403, 404]),
        ("POST", "/v1/orphans/{operation}/actions/adopt", [401, 401, 401, 403, 403, 403, 404]),
        ("GET", "/v1/quotas", [401, 401, 401, 403, 403, 403, 200]),
        ("POST", "/v1/quotas", [401, 401, 401, 403, 403, 403, 201]),
        ("GET", "/v1/quotas/q/Cluster", [401, 401, 401, 200, 403, 403, 200]),
        ("PATCH", "/v1/quotas/q/Cluster", [401, 401, 401, 403, 403, 403, 202]),
        ("DELETE", "/v1/quotas/q/Cluster", [401, 401, 401, 403, 403, 403, 204]),
        ("GET", "/v1/federations", list),
        ("POST", "/v1/federations", [401, 401, 401, 404, 403, 202, 202]),
        ("GET", "/v1/federations/detail", list),
        ("GET", "/v1/federations/{federation}", read),
        ("PATCH", "/v1/federations/{federation}", [401, 401, 401, 404, 403, 202, 202]),
        ("DELETE", "/v1/federations/{federation}", [401, 401, 401, 404, 403, 204, 204]),
        ("GET", "/v1/nodes", list),
        ("POST", "/v1/nodes", [401, 401, 401, 201, 403, 201, 201]),
        ("GET", "/v1/nodes/detail", list),
        ("GET", "/v1/nodes/{node}", read),
        ("PATCH", "/v1/nodes/{node}", [401, 401, 401, 404, 403, 200, 200]),
        ("DELETE", "/v1/nodes/{node}", [401, 401, 401, 404, 403, 204, 204]),
        // Refused for everybody, after all other checks.
        ("PATCH", "/v1/certificates/{cluster}", [401, 401, 401, 404, 403, 202, 202]),
        ("PATCH", "/v1/credentials/{cluster}", [401, 401, 401, 404, 403, 400, 400]),
        ("GET", "/v1/stats", list),
        ("GET", "/v1/engineversions", list),
        ("GET", "/v1/clustertemplates", list),
        ("POST", "/v1/clustertemplates", [401, 401, 401, 201, 403, 201, 201]),
        ("GET", "/v1/clustertemplates/detail", list),
        ("GET", "/v1/clustertemplates/{template}", read),
        ("PATCH", "/v1/clustertemplates/{template}", [401, 401, 401, 404, 403, 200, 200]),
        ("DELETE", "/v1/clustertemplates/{spare}", [401, 401, 401, 404, 403, 204, 204]),
        ("GET", "/v1/baymodels", list),
        ("POST", "/v1/baymodels", [401, 401, 401, 201, 403, 201, 201]),
        ("GET", "/v1/baymodels/detail", list),
        ("GET", "/v1/baymodels/{template}", read),
        ("PATCH", "/v1/baymodels/{template}", [401, 401, 401, 404, 403, 200, 200]),
        ("DELETE", "/v1/baymodels/{spare}", [401, 401, 401, 404, 403, 204, 204]),
        ("GET", "/v1/clusters", list),
        ("POST", "/v1/clusters", [401, 401, 401, 404, 403, 202, 202]),
        ("GET", "/v1/clusters/detail", list),
        ("GET", "/v1/clusters/{cluster}", read),
        ("PATCH", "/v1/clusters/{cluster}", [401, 401, 401, 404, 403, 202, 202]),
        ("DELETE", "/v1/clusters/{cluster}", [401, 401, 401, 404, 403, 204, 204]),
        ("POST", "/v1/clusters/{cluster}/actions/resize", [401, 401, 401, 404, 403, 202, 202]),
        ("POST", "/v1/clusters/{failed}/actions/retry", [401, 401, 401, 404, 403, 202, 202]),
        ("POST", "/v1/clusters/{cluster}/actions/repair", [401, 401, 401, 404, 403, 202, 202]),
        ("POST", "/v1/clusters/{cluster}/actions/pause", [401, 401, 401, 404, 403, 204, 204]),
        ("POST", "/v1/clusters/{cluster}/actions/resume", [401, 401, 401, 404, 403, 204, 204]),
        ("GET", "/v1/clusters/{cluster}/topology", read),
        ("GET", "/v1/clusters/{cluster}/why", read),
        ("GET", "/v1/bays", list),
        ("POST", "/v1/bays", [401, 401, 401, 400, 403, 202, 202]),
        ("GET", "/v1/bays/detail", list),
        ("GET", "/v1/bays/{cluster}", read),
        ("PATCH", "/v1/bays/{cluster}", [401, 401, 401, 404, 403, 202, 202]),
        ("DELETE", "/v1/bays/{cluster}", [401, 401, 401, 404, 403, 204, 204]),
        ("GET", "/v1/clusters/{cluster}/nodegroups", read),
        ("GET", "/v1/clusters/{cluster}/nodegroups/default-worker", read),
        ("POST", "/v1/clusters/{cluster}/nodegroups", change_cluster),
        ("PATCH", "/v1/clusters/{cluster}/nodegroups/default-worker", [401, 401, 401, 404, 403, 202, 202]),
        ("DELETE", "/v1/clusters/{cluster}/nodegroups/default-worker", [401, 401, 401, 404, 403, 400, 400]),
        ("POST", "/v1/clusters/{cluster}/actions/upgrade", [401, 401, 401, 404, 403, 202, 202]),
        ("GET", "/v1/labels", list),
        ("GET", "/v1/labels/kube_tag", list),
        ("GET", "/v1/clustertemplates/{template}/labels", read),
        ("GET", "/v1/clusters/{cluster}/labels", read),
        ("GET", "/v1/clusters/{cluster}/nodegroups/default-worker/labels", read),
        ("GET", "/v1/certificates/{cluster}", [401, 401, 401, 404, 403, 200, 200]),
        ("POST", "/v1/certificates", [401, 401, 401, 400, 403, 201, 201]),
        // For the cluster's creator, and admins.
        ("GET", "/v1/clusters/{cluster}/certificates", [401, 401, 401, 404, 403, 200, 200]),
        ("GET", "/v1/operations", list),
        ("GET", "/v1/operations/{operation}", read),
        ("GET", "/v1/operations/{operation}/events", read),
        ("POST", "/v1/operations/{queued}/actions/cancel", [401, 401, 401, 404, 403, 202, 202]),
        ("GET", "/v1/pods?bay_ident={cluster}", in_cluster),
        ("POST", "/v1/pods", into_cluster),
        ("GET", "/v1/pods/detail?bay_ident={cluster}", in_cluster),
        ("GET", "/v1/pods/x?bay_ident={cluster}", in_cluster),
        ("DELETE", "/v1/pods/x?bay_ident={cluster}", change_cluster),
        ("GET", "/v1/services?bay_ident={cluster}", in_cluster),
        ("POST", "/v1/services", into_cluster),
        ("GET", "/v1/services/detail?bay_ident={cluster}", in_cluster),
        ("GET", "/v1/services/x?bay_ident={cluster}", in_cluster),
        ("DELETE", "/v1/services/x?bay_ident={cluster}", change_cluster),
        ("GET", "/v1/rcs?bay_ident={cluster}", in_cluster),
        ("POST", "/v1/rcs", into_cluster),
        ("GET", "/v1/rcs/detail?bay_ident={cluster}", in_cluster),
        ("GET", "/v1/rcs/x?bay_ident={cluster}", in_cluster),
        ("DELETE", "/v1/rcs/x?bay_ident={cluster}", change_cluster),
        ("GET", "/v1/containers?bay_ident={swarm}", in_cluster),
        ("POST", "/v1/containers", into_cluster),
        ("GET", "/v1/containers/detail?bay_ident={swarm}", in_cluster),
        ("GET", "/v1/containers/x?bay_ident={swarm}", in_cluster),
        ("DELETE", "/v1/containers/x?bay_ident={swarm}", change_cluster),
        ("GET", "/v1/containers/x/logs?bay_ident={swarm}", in_cluster),
        ("PUT", "/v1/containers/x/execute?command=ls&bay_ident={swarm}", change_cluster),
        // What a later version completes: 501 after all other checks.
        ("PATCH", "/v1/pods/x?bay_ident={cluster}", later),
        ("PATCH", "/v1/services/x?bay_ident={cluster}", later),
        ("PATCH", "/v1/rcs/x?bay_ident={cluster}", later),
        ("PATCH", "/v1/containers/x?bay_ident={swarm}", later),
        ("PUT", "/v1/containers/x/start?bay_ident={swarm}", later),
        ("PUT", "/v1/containers/x/stop?bay_ident={swarm}", later),
        ("PUT", "/v1/containers/x/reboot?bay_ident={swarm}", later),
        ("PUT", "/v1/containers/x/pause?bay_ident={swarm}", later),
        ("PUT", "/v1/containers/x/unpause?bay_ident={swarm}", later),
        ("GET", "/v1/x509keypairs", [401, 401, 401, 501, 501, 501, 501]),
        ("POST", "/v1/x509keypairs", [401, 401, 401, 501, 403, 501, 501]),
        ("GET", "/v1/x509keypairs/detail", [401, 401, 401, 501, 501, 501, 501]),
        ("GET", "/v1/x509keypairs/x", [401, 401, 401, 501, 501, 501, 501]),
        ("DELETE", "/v1/x509keypairs/x", [401, 401, 401, 501, 403, 501, 501]),
    ]
}

/// A valid body for a route.
fn body(method: &str, path: &str) -> Option<Value> {
    let manifest = |kind: &str, spec: Value| {
        let manifest = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec});
        json!({"bay_uuid": "cluster", "manifest": manifest.to_string()})
    };
    let pod = json!({"containers": [{"name": "x", "image": "x"}]});
    let template = json!({"coe": "kubernetes", "image_id": "debian-13", "keypair_id": "k"});
    Some(match (method, path) {
        ("POST", "/v1/clustertemplates" | "/v1/baymodels") => template,
        ("POST", "/v1/clusters") => json!({"cluster_template_id": "template"}),
        ("POST", "/v1/bays") => json!({"baymodel_id": "template"}),
        ("POST", path) if path.ends_with("adopt") => json!({"cluster_template_id": "template"}),
        ("POST", path) if path.ends_with("nodegroups") => json!({"name": "gpu"}),
        ("PATCH", path) if path.contains("nodegroups") => {
            json!([{"op": "add", "path": "/max_node_count", "value": 9}])
        }
        ("POST", path) if path.ends_with("upgrade") => json!({"cluster_template": "template"}),
        ("POST", "/v1/quotas") => json!({"project_id": "p"}),
        ("PATCH", path) if path.contains("quotas") => json!({"hard_limit": 3}),
        ("POST", "/v1/federations") => json!({"hostcluster_id": "cluster", "properties": {"dns-zone": "x"}}),
        ("PATCH", path) if path.contains("federations") => {
            json!([{"op": "replace", "path": "/properties/dns-zone", "value": "y"}])
        }
        ("POST", "/v1/nodes") => json!({}),
        ("PATCH", path) if path.contains("/v1/nodes") => json!([{"op": "replace", "path": "/image_id", "value": "y"}]),
        ("PATCH", "/v1/certificates/{cluster}" | "/v1/credentials/{cluster}") => return None,
        ("PATCH", path) if path.contains("template") || path.contains("baymodel") => {
            json!([{"op": "replace", "path": "/name", "value": "new"}])
        }
        ("PATCH", _) => json!([{"op": "replace", "path": "/node_count", "value": 3}]),
        ("POST", path) if path.ends_with("resize") => json!({"node_count": 3}),
        ("POST", "/v1/certificates") => {
            let (_, csr) = jeroboam_pki::key_and_request("admin", &[]).unwrap();
            json!({"cluster_uuid": "cluster", "csr": csr})
        }
        ("POST", "/v1/pods") => manifest("Pod", pod),
        ("POST", "/v1/services") => manifest("Service", json!({"selector": {"a": "b"}, "ports": [{"port": 80}]})),
        ("POST", "/v1/rcs") => manifest(
            "ReplicationController",
            json!({"replicas": 1, "selector": {"a": "b"}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod}}),
        ),
        ("POST", "/v1/containers") => json!({"bay_uuid": "swarm", "image": "x"}),
        _ => return None,
    })
}

struct Fixture {
    case: Case,
    names: Vec<(&'static str, String)>,
}

async fn fixture() -> Fixture {
    let case = Case::new().await;
    let template = case.template("template", "kubernetes").await;
    let spare = case.template("spare", "kubernetes").await;
    case.template("swarm", "swarm").await;
    let cluster = case.complete_cluster("cluster", "template").await;
    let swarm = case.complete_cluster("swarm", "swarm").await;
    let failed = case.cluster("failed", "template").await;
    case.end(Outcome::Failed(Cause::user(Code::StepUndone, "it broke", "mend it"))).await;
    let uuid = cluster.parse().unwrap();
    for name in EngineKind::KUBERNETES.authorities {
        let authority = Authority::of_cluster("cluster", name, Timestamp::now()).unwrap();
        let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
        case.store.put_secret(ClusterId::assumed(uuid), name, Some(certificate), Some(&key)).await.unwrap();
    }
    case.store.set_cluster_facts(uuid, ClusterFacts::default()).await.unwrap();
    let operation = case.get("/v1/operations?cluster=cluster").send().await.body["operations"][0]["uuid"].clone();
    let body = json!({"name": "queued", "cluster_template_id": "template"});
    let queued = case.post("/v1/clusters", &body).send().await.is(202).operation();
    let quota = json!({"project_id": "q"});
    case.call("POST", "/v1/quotas").token("admin").latest().json(&quota).send().await.is(201);
    let body = json!({"hostcluster_id": "cluster", "properties": {"dns-zone": "x"}});
    let federation = case.post("/v1/federations", &body).send().await.is(202).uuid();
    let node = case.call("POST", "/v1/nodes").token("member").version(10).json(&json!({})).send().await.is(201).uuid();
    let names = vec![
        ("{federation}", federation),
        ("{node}", node),
        ("{template}", template),
        ("{spare}", spare),
        ("{cluster}", cluster),
        ("{swarm}", swarm),
        ("{failed}", failed),
        ("{operation}", operation.as_str().unwrap().to_owned()),
        ("{queued}", queued.to_string()),
    ];
    Fixture { case, names }
}

async fn send(fixture: &Fixture, method: &str, path: &str, caller: Option<&str>) -> Answer {
    let filled = fixture.names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    let mut call = fixture.case.call(method, &filled);
    let is_old = ["/v1/bay", "/v1/nodes", "/v1/x509keypairs"].iter().any(|old| path.starts_with(old));
    call = if is_old { call.version(10) } else { call.latest() };
    if let Some(token) = caller {
        call = call.token(token);
    }
    if let Some(body) = body(method, path) {
        call = call.json(&body);
    }
    call.send().await
}

// Covers: R326, R334, R335.
#[tokio::test]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let mut wrong = Vec::new();
    let mut current = fixture().await;
    for (method, path, expected) in table() {
        for (caller, expected) in CALLERS.into_iter().zip(expected) {
            let answer = send(&current, method, path, caller).await;
            if answer.status != expected {
                let caller = caller.unwrap_or("nobody");
                wrong.push(format!("{method} {path} by {caller}: {} {}", answer.status, answer.body));
            }
            // A fresh fixture per call, so that no call affects the next.
            let changes = matches!(method, "DELETE" | "PATCH") || path.contains("/actions/");
            if changes && (200..300).contains(&answer.status) {
                current = fixture().await;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The table has quotas of another project only.
    current.case.call("GET", "/v1/quotas/p/Cluster").token("reader").send().await.is(200);
}

// Covers: R327.
#[tokio::test]
async fn who_has_no_role_in_the_project_is_let_through_nowhere() {
    let fixture = fixture().await;
    for (method, path, expected) in table() {
        let answer = send(&fixture, method, path, Some("nobody")).await;
        // Routes without a token need no role either, and labels are the same for everybody.
        let wanted = if expected == OPEN || path.starts_with("/v1/labels") { 200 } else { 403 };
        assert_eq!(answer.status, wanted, "{method} {path}: {}", answer.body);
    }
}

#[test]
fn the_table_has_all_routes() {
    // Paths without parameter names, so that the placeholders of the table match those of the document.
    let shape = |path: &str| -> String {
        let path = path.split('?').next().unwrap_or_default();
        path.split('/')
            .map(|part| {
                let is_name =
                    part.starts_with('{') || ["x", "default-worker", "kube_tag", "q", "Cluster"].contains(&part);
                if is_name { "*" } else { part }
            })
            .collect::<Vec<_>>()
            .join("/")
    };
    let in_table: BTreeSet<(String, String)> =
        table().into_iter().map(|(method, path, _)| (method.to_owned(), shape(path))).collect();
    let document = serde_json::to_value(openapi()).unwrap();
    let mut in_document = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            in_document.insert((method.to_uppercase(), shape(path)));
        }
    }
    assert_eq!(in_table, in_document);
}
