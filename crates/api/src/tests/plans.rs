//! `?dry_run=true` and `X-Jeroboam-Plan`.

use jeroboam_model::{Cause, CauseExt, Code, NodeRole};
use jeroboam_store::{ClusterId, Scope};

use super::*;

const PLAN: &str = "x-jeroboam-plan";
const RESIZE: &str = "/v1/clusters/c/actions/resize";

async fn operations(case: &Case) -> usize {
    case.store.operations(&Scope::All, None, &jeroboam_store::Page::default()).await.unwrap().len()
}

fn keys(plan: &Value) -> Vec<&str> {
    plan["steps"].as_array().unwrap().iter().map(|step| step["key"].as_str().unwrap()).collect()
}

fn reason(answer: &Answer) -> &str {
    answer.body["errors"][0]["reason"].as_str().unwrap()
}

fn detail(answer: &Answer) -> &str {
    answer.body["errors"][0]["detail"].as_str().unwrap()
}

/// A cluster that nodes could join, and the number of operations.
async fn living() -> (Case, usize) {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.living_cluster("c", "t").await;
    let count = operations(&case).await;
    (case, count)
}

#[tokio::test]
async fn a_create_is_planned_and_nothing_is_made() {
    let case = Case::new().await;
    let template = case.template("t", "kubernetes").await;
    for (path, reference, minor) in
        [("/v1/clusters", "cluster_template_id", 14), ("/v1/bays", "baymodel_id", 1), ("/v1/bays", "baymodel_id", 10)]
    {
        let body = json!({"name": "c", reference: template, "node_count": 1});
        let call = || case.call("POST", &format!("{path}?dry_run=true")).token("member").version(minor);
        let send = || call().json(&body).header("idempotency-key", "k");
        let plan = send().send().await.is(200).body;
        assert_eq!(
            (&plan["kind"], &plan["cluster_name"], &plan["cluster_uuid"]),
            (&json!("create"), &json!("c"), &Value::Null)
        );
        assert_eq!(keys(&plan)[..3], ["secrets", "network", "machine/c-master-0"]);
        assert!(plan["steps"][2]["because"].as_str().unwrap().contains("no machine c-master-0 yet"), "{plan}");
        let again = send().send().await.is(200);
        assert!(!again.headers.contains_key("idempotency-replayed"), "no key was taken");
        assert_eq!(again.body["id"], plan["id"], "nothing has changed, though ids would be others");
        assert_eq!(operations(&case).await, 0);
        assert_eq!(case.get("/v1/clusters").send().await.is(200).body["clusters"], json!([]));
    }
}

#[tokio::test]
async fn every_change_can_be_planned_and_leaves_everything_as_it_was() {
    let (case, count) = living().await;
    case.template("t2", "kubernetes").await;
    case.post("/v1/clusters/c/nodegroups", &json!({"name": "g"})).send().await.is(202);
    case.end_all().await;
    let uuid: Uuid = case.get("/v1/clusters/c").send().await.is(200).uuid().parse().unwrap();
    let (certificate, key) = authority();
    case.store.put_secret(ClusterId::assumed(uuid), "kubernetes", Some(&certificate), Some(&key)).await.unwrap();
    for name in ["etcd", "front-proxy"] {
        case.store.put_secret(ClusterId::assumed(uuid), name, Some(&certificate), Some(&key)).await.unwrap();
    }
    let before = case.store.cluster_by_uuid(&Scope::All, uuid).await.unwrap();
    let patch = |name: &str| json!([{"op": "replace", "path": format!("/{name}"), "value": 3}]);
    for (method, path, body, kind) in [
        ("POST", "/v1/clusters/c/actions/resize", json!({"node_count": 3}), "scale"),
        ("POST", "/v1/clusters/c/actions/upgrade", json!({"cluster_template": "t2"}), "upgrade"),
        ("POST", "/v1/clusters/c/actions/repair", Value::Null, "repair"),
        ("PATCH", "/v1/clusters/c", patch("node_count"), "scale"),
        ("PATCH", "/v1/bays/c", patch("node_count"), "scale"),
        ("DELETE", "/v1/clusters/c", Value::Null, "delete"),
        ("DELETE", "/v1/bays/c", Value::Null, "delete"),
        ("POST", "/v1/clusters/c/nodegroups", json!({"name": "new"}), "update"),
        ("PATCH", "/v1/clusters/c/nodegroups/g", patch("max_node_count"), "update"),
        ("DELETE", "/v1/clusters/c/nodegroups/g", Value::Null, "update"),
        ("PATCH", "/v1/certificates/c", Value::Null, "rotate-ca"),
    ] {
        let minor = if path.starts_with("/v1/bays") { 10 } else { 14 };
        let call = case.call(method, &format!("{path}?dry_run=true")).token("member").version(minor);
        let call = if body.is_null() { call } else { call.json(&body) };
        let answer = call.send().await.is(200);
        assert_eq!(answer.body["kind"], kind, "{method} {path}");
        assert_eq!(answer.body["cluster_uuid"], json!(uuid), "{method} {path}");
        assert!(!answer.headers.contains_key("x-jeroboam-operation"));
        assert_eq!(case.store.cluster_by_uuid(&Scope::All, uuid).await.unwrap(), before, "{method} {path}");
    }
    assert_eq!(operations(&case).await, count + 1);
    let plan = case.call("DELETE", "/v1/clusters/c?dry_run=1").token("member").latest().send().await.is(200).body;
    assert_eq!(keys(&plan), ["remove-secrets"], "there is nothing else here");
    assert_eq!(plan["steps"][0]["disturbs"][0]["kind"], "credentials_void");
}

fn authority() -> (String, secrecy::SecretString) {
    let made = jeroboam_pki::Authority::of_cluster("c", "kubernetes", Timestamp::now()).unwrap();
    (made.certificate_pem().to_owned(), made.key_pem())
}

#[tokio::test]
async fn a_retry_is_planned_as_what_failed() {
    let case = Case::new().await;
    case.template("t", "swarm").await;
    case.cluster("c", "t").await;
    let cause = Cause::passing(Code::InfrastructureUnavailable, "no", "wait");
    case.end(Outcome::Failed(cause)).await;
    let plan = case.post("/v1/clusters/c/actions/retry?dry_run=true", &json!({})).send().await.is(200).body;
    assert_eq!(plan["kind"], "create");
    assert_eq!(case.status(plan["cluster_uuid"].as_str().unwrap()).await, Status::CreateFailed);
}

#[tokio::test]
async fn a_plan_is_refused_as_the_change_would_be() {
    let (case, count) = living().await;
    for (token, path, body, status) in [
        ("reader", RESIZE, json!({"node_count": 3}), 403),
        ("other", RESIZE, json!({"node_count": 3}), 404),
        ("member", RESIZE, json!({"node_count": -1}), 400),
        ("member", "/v1/clusters/c/actions/retry", json!({}), 400),
        ("member", "/v1/clusters", json!({"name": "x", "cluster_template_id": "nope"}), 404),
    ] {
        let send = |path: &str| case.call("POST", path).token(token).latest().json(&body).send();
        let planned = send(&format!("{path}?dry_run=true")).await.is(status);
        let done = send(path).await.is(status);
        assert_eq!((reason(&planned), detail(&planned)), (reason(&done), detail(&done)), "{path}");
    }
    let unnamed = json!({"cluster_template_id": "t"});
    let refused = case.post("/v1/clusters?dry_run=true", &unnamed).send().await.is(400);
    assert_eq!(refused.field(), "name");
    let stale =
        case.post(&format!("{RESIZE}?dry_run=true"), &json!({"node_count": 3})).header("if-match", "\"0-1.14\"");
    assert_eq!(reason(&stale.send().await.is(412)), "precondition_failed");
    assert_eq!(operations(&case).await, count);
}

#[tokio::test]
async fn a_plan_is_carried_out_while_what_it_was_made_from_is_unchanged() {
    let (case, count) = living().await;
    let body = json!({"node_count": 3});
    let plan = case.post(&format!("{RESIZE}?dry_run=true"), &body).send().await.is(200).body;
    let id = plan["id"].as_str().unwrap();
    let apply = || case.post(RESIZE, &body).header(PLAN, id).header("idempotency-key", "once");
    let done = apply().send().await.is(202);
    let again = apply().send().await.is(202);
    assert_eq!((again.operation(), operations(&case).await), (done.operation(), count + 1), "it was done once");
    let outdated = case.post(RESIZE, &body).header(PLAN, id).send().await.is(412);
    assert_eq!(reason(&outdated), "plan_outdated");
    let words = detail(&outdated);
    assert!(words.contains("operations before it: 1") && words.contains("?dry_run=true"), "{words}");
    assert_eq!(operations(&case).await, count + 1);
}

#[tokio::test]
async fn what_has_changed_since_is_told() {
    let (case, _) = living().await;
    let body = json!({"node_count": 3});
    let path = format!("{RESIZE}?dry_run=true");
    let refused = async |id: &str, sent: &Value| {
        let answer = case.post(RESIZE, sent).header(PLAN, id).send().await.is(412);
        assert_eq!(reason(&answer), "plan_outdated");
        detail(&answer).to_owned()
    };
    let plan = async || case.post(&path, &body).send().await.is(200).body["id"].as_str().unwrap().to_owned();

    let id = plan().await;
    assert!(refused(&id, &json!({"node_count": 4})).await.contains("the request: not the planned one"));

    let record = case
        .store
        .cluster_by_uuid(&Scope::All, case.get("/v1/clusters/c").send().await.uuid().parse().unwrap())
        .await
        .unwrap();
    let worker = record.nodes.iter().find(|node| node.role == NodeRole::Worker).unwrap();
    case.infra.add_machine(record.cluster.uuid, worker.uuid, 0);
    let words = refused(&id, &body).await;
    assert!(words.contains("node c-worker-0: machine runs, agent silent, not ready"), "{words}");

    let id = plan().await;
    case.infra.kill(record.cluster.uuid, worker.uuid);
    let words = refused(&id, &body).await;
    assert!(words.contains("node c-worker-0: machine has stopped"), "{words}");
    assert!(!words.contains("c-worker-1"), "only what has changed: {words}");

    let id = plan().await;
    case.post("/v1/clusters/c/nodegroups", &json!({"name": "g"})).send().await.is(202);
    case.end_all().await;
    let words = refused(&id, &body).await;
    for part in ["node group g, which is new: 1 nodes", "node c-g-0, which is new: no machine"] {
        assert!(words.contains(part), "{words}");
    }

    let id = plan().await;
    case.run_sql("UPDATE cluster_templates SET http_proxy = 'http://proxy:1'").await;
    assert!(refused(&id, &body).await.contains("the template t: other attributes"));
}

#[tokio::test]
async fn what_is_being_done_already_is_planned_as_that() {
    let (case, _) = living().await;
    let done = case.delete("/v1/clusters/c").send().await.is(204);
    let plan = case.delete("/v1/clusters/c?dry_run=true").send().await.is(200).body;
    assert_eq!((&plan["under_way"], &plan["steps"]), (&json!(done.operation()), &json!([])));
}

#[tokio::test]
async fn a_change_without_an_operation_is_planned_and_carried_out_too() {
    let (case, count) = living().await;
    let body = json!([{"op": "replace", "path": "/health_status", "value": "UNHEALTHY"}]);
    let plan = case.patch("/v1/clusters/c?dry_run=true", &body).send().await.is(200).body;
    assert_eq!((&plan["kind"], &plan["steps"]), (&Value::Null, &json!([])));
    let health = async || case.get("/v1/clusters/c").send().await.is(200).body["health_status"].clone();
    assert_eq!(health().await, Value::Null, "nothing was changed");
    case.patch("/v1/clusters/c", &body).header(PLAN, plan["id"].as_str().unwrap()).send().await.is(202);
    assert_eq!((health().await, operations(&case).await), (json!("UNHEALTHY"), count));
}

#[tokio::test]
async fn what_cannot_be_planned_says_so_and_is_not_done() {
    let (case, _) = living().await;
    let refused = case.post("/v1/clusters/c/actions/pause?dry_run=true", &json!({})).send().await.is(400);
    assert_eq!(refused.field(), "dry_run");
    let pause = case.post("/v1/clusters/c/actions/pause", &json!({})).header(PLAN, "AAAA").send().await.is(400);
    assert_eq!(pause.field(), PLAN);
    assert!(case.get("/v1/clusters/c?dry_run=true").send().await.is(400).field() == "dry_run");
    let body = json!({"node_count": 3});
    for (path, header, field) in [
        (format!("{RESIZE}?dry_run=maybe"), None, "dry_run"),
        (format!("{RESIZE}?dry_run=true&dry_run=true"), None, "dry_run"),
        (format!("{RESIZE}?dry_run=true"), Some("AAAA"), "dry_run"),
        (RESIZE.to_owned(), Some("no plan"), PLAN),
        (RESIZE.to_owned(), Some("AAAA"), PLAN),
    ] {
        let call = case.post(&path, &body);
        let call = match header {
            Some(id) => call.header(PLAN, id),
            None => call,
        };
        assert_eq!(call.send().await.is(400).field(), field, "{path} {header:?}");
    }
    case.post(&format!("{RESIZE}?dry_run=false"), &body).send().await.is(202);
}
