use jeroboam_model::{Cause, CauseExt, Code, QuotaDefaults, Status};
use jeroboam_store::{ClusterFacts, Outcome};
use serde_json::{Value, json};

use super::{Answer, Case};
use crate::Settings;

async fn case() -> Case {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

// Covers: R020, R191.
#[tokio::test]
async fn a_cluster_can_be_read_as_soon_as_its_creation_is_answered() {
    let case = case().await;
    let body =
        json!({"name": "c", "cluster_template_id": "t", "node_count": "2", "keypair": null, "labels": {"etcd_tag": 1}});
    let answer = case.post("/v1/clusters", &body).send().await.is(202);
    assert_eq!(keys(&answer.body), ["uuid"]);
    assert!(!answer.headers.contains_key("location"));
    let cluster = case.get("/v1/clusters/c").send().await.is(200).body;
    assert_eq!(cluster["uuid"].as_str(), Some(answer.uuid().as_str()));
    assert_eq!((cluster["status"].as_str(), cluster["node_count"].as_u64()), (Some("CREATE_IN_PROGRESS"), Some(2)));
    assert_eq!(cluster["labels"], json!({"etcd_tag": "1"}));
    assert_eq!(cluster["labels_added"], json!({"etcd_tag": "1"}));
    assert_eq!(cluster["links"][0]["href"], format!("http://api.example:9511/v1/clusters/{}", answer.uuid()));
    let operation = case.get(&format!("/v1/operations/{}", answer.operation())).send().await.is(200).body;
    assert_eq!((operation["kind"].as_str(), operation["status"].as_str()), (Some("create"), Some("queued")));
    assert_eq!(operation["request_id"].as_str(), answer.headers["x-openstack-request-id"].to_str().ok());
    let groups = case.get("/v1/clusters/c/nodegroups").send().await.is(200).body;
    let sizes: Vec<(&str, u64)> = groups["nodegroups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["name"].as_str().unwrap(), group["node_count"].as_u64().unwrap()))
        .collect();
    assert_eq!(sizes, [("default-master", 1), ("default-worker", 2)]);
}

// Covers: R063, R064, R340.
#[tokio::test]
async fn bays_are_made_at_once_in_the_first_microversion_only() {
    let case = case().await;
    let post = |version: u16, name: &str| {
        let body = json!({"baymodel_id": "t", "name": name, "bay_create_timeout": 5});
        let call = case.call("POST", "/v1/bays").token("member").version(version).json(&body);
        async move { call.send().await }
    };
    let first: Answer = post(1, "a").await.is(201);
    assert_eq!((first.body["name"].as_str(), first.body["bay_create_timeout"].as_u64()), (Some("a"), Some(5)));
    assert!(first.headers["location"].to_str().unwrap().ends_with(&first.uuid()));
    assert_eq!(keys(&post(2, "b").await.is(202).body), ["uuid"]);
    let body = json!({"baymodel_id": "t", "keypair": "k"});
    case.call("POST", "/v1/bays").token("member").version(2).json(&body).send().await.is(400);
}

// Covers: R214, R215, R216.
#[tokio::test]
async fn labels_come_from_the_template_unless_given() {
    let case = Case::new().await;
    let body =
        json!({"name": "t", "coe": "kubernetes", "image_id": "i", "labels": {"etcd_tag": "1", "coredns_tag": "2"}});
    case.post("/v1/clustertemplates", &body).send().await.is(201);
    for (name, given, expected) in [
        ("none", json!({}), json!({"etcd_tag": "1", "coredns_tag": "2"})),
        ("empty", json!({"labels": {}}), json!({"etcd_tag": "1", "coredns_tag": "2"})),
        ("replaced", json!({"labels": {"coredns_tag": "3"}}), json!({"coredns_tag": "3"})),
        (
            "merged",
            json!({"labels": {"coredns_tag": "3", "use_podman": true}, "merge_labels": "true"}),
            json!({"etcd_tag": "1", "coredns_tag": "3", "use_podman": "True"}),
        ),
    ] {
        let mut body = given;
        body["name"] = json!(name);
        body["cluster_template_id"] = json!("t");
        case.post("/v1/clusters", &body).send().await.is(202);
        assert_eq!(case.get(&format!("/v1/clusters/{name}")).send().await.body["labels"], expected, "{name}");
    }
    let merged = case.get("/v1/clusters/merged").send().await.body;
    assert_eq!(merged["labels_overridden"], json!({"coredns_tag": "2"}));
    assert_eq!(case.get("/v1/clusters/replaced").send().await.body["labels_skipped"], json!({"etcd_tag": "1"}));
}

// Covers: R022, R023, R228, R236, R242.
#[tokio::test]
async fn the_number_of_nodes_changes_by_patch_and_by_resize() {
    let case = case().await;
    let uuid = case.complete_cluster("c", "t").await;
    let patch = json!([{"op": "replace", "path": "/node_count", "value": "4"}]);
    let answer = case.patch("/v1/clusters/c?rollback=True", &patch).send().await.is(202);
    assert_eq!(answer.uuid(), uuid);
    let cluster = case.get("/v1/clusters/c").send().await.body;
    assert_eq!((cluster["node_count"].as_u64(), cluster["status"].as_str()), (Some(4), Some("UPDATE_IN_PROGRESS")));
    // A patch must wait for the previous one; resizes by an autoscaler may follow each other at once.
    let patch = json!([{"op": "replace", "path": "/node_count", "value": 5}]);
    case.patch("/v1/clusters/c", &patch).send().await.is(400);
    let body = json!({"node_count": 1, "nodes_to_remove": null, "nodegroup": null});
    case.post("/v1/clusters/c/actions/resize", &body).send().await.is(202);
    case.end(Outcome::Succeeded { facts: ClusterFacts::default() }).await;
    case.end(Outcome::Succeeded { facts: ClusterFacts::default() }).await;
    assert_eq!(case.status(&uuid).await, Status::UpdateComplete);
    let group = case.get("/v1/clusters/c/nodegroups/default-worker").send().await.is(200).body;
    assert_eq!((group["node_count"].as_u64(), group["status"].as_str()), (Some(1), Some("UPDATE_COMPLETE")));
    // No operation is needed if nothing changes.
    let same =
        json!([{"op": "replace", "path": "/node_count", "value": 1}, {"op": "replace", "path": "/name", "value": "c"}]);
    let answer = case.patch("/v1/clusters/c", &same).send().await.is(202);
    assert!(!answer.headers.contains_key("x-jeroboam-operation"));
    assert_eq!(case.status(&uuid).await, Status::UpdateComplete);
    case.call("PATCH", "/v1/clusters/c?rollback=True").token("member").version(2).json(&same).send().await.is(400);
}

#[tokio::test]
async fn nodes_to_remove_are_found_by_name_and_id() {
    let case = case().await;
    let uuid = case.complete_cluster("c", "t").await;
    let nodes = case.store.nodes(uuid.parse().unwrap()).await.unwrap();
    let first = nodes.iter().find(|node| node.name == "c-worker-0").unwrap();
    let body = json!({"node_count": 1, "nodes_to_remove": [first.uuid.simple().to_string()]});
    case.post("/v1/clusters/c/actions/resize", &body).send().await.is(202);
    let nodes = case.store.nodes(uuid.parse().unwrap()).await.unwrap();
    let leaving: Vec<&str> = nodes.iter().filter(|node| !node.wanted).map(|node| node.name.as_str()).collect();
    assert_eq!(leaving, ["c-worker-0"]);
}

// Covers: R231.
#[tokio::test]
async fn health_is_taken_from_agents_inside() {
    let case = case().await;
    case.cluster("c", "t").await;
    let patch = json!([
        {"op": "replace", "path": "/health_status", "value": "UNHEALTHY"},
        {"op": "replace", "path": "/health_status_reason", "value": "{'api': 'ok', 'n.Ready': False}"},
    ]);
    case.patch("/v1/clusters/c", &patch).send().await.is(202);
    let cluster = case.get("/v1/clusters/c").send().await.body;
    assert_eq!(
        (cluster["health_status"].as_str(), cluster["status"].as_str()),
        (Some("UNHEALTHY"), Some("CREATE_IN_PROGRESS"))
    );
    assert_eq!(cluster["health_status_reason"], json!({"api": "ok", "n.Ready": "False"}));
    case.delete("/v1/clusters/c").send().await.is(204);
    let patch = json!([{"op": "replace", "path": "/health_status", "value": "HEALTHY"}]);
    case.patch("/v1/clusters/c", &patch).send().await.is(400);
}

// Covers: R256, R347, W050.
#[tokio::test]
async fn a_failure_is_shown_retried_and_deleted() {
    let case = case().await;
    let uuid = case.cluster("c", "t").await;
    let retry = "/v1/clusters/c/actions/retry";
    let busy = case.call("POST", retry).token("member").send().await.is(400);
    assert!(busy.body["errors"][0]["detail"].as_str().unwrap().contains("Wait until"), "{}", busy.body);
    case.end(Outcome::Failed(Cause::user(Code::StepUndone, "it broke", "mend it"))).await;
    let cluster = case.get("/v1/clusters/c").send().await.body;
    assert_eq!(
        (cluster["status"].as_str(), cluster["status_reason"].as_str()),
        (Some("CREATE_FAILED"), Some("it broke"))
    );
    assert!(cluster["faults"].as_object().unwrap().contains_key("default-worker"));
    let detail = case.get("/v1/clusters/detail").send().await.body;
    assert!(detail["clusters"][0].get("faults").is_none());
    let answer = case.call("POST", retry).token("member").send().await.is(202);
    assert_eq!(case.status(&uuid).await, Status::CreateInProgress);
    let operation = case.get(&format!("/v1/operations/{}", answer.operation())).send().await.body;
    assert_eq!(operation["kind"], "create");
    let first = case.delete("/v1/clusters/c").send().await.is(204);
    let second = case.delete("/v1/clusters/c").send().await.is(204);
    assert_eq!(first.operation(), second.operation(), "deleting twice is deleting once");
    assert!(first.body.as_str().is_some_and(str::is_empty) && !first.headers.contains_key("content-type"));
    assert_eq!(case.get("/v1/clusters/c").send().await.body["status"], "DELETE_IN_PROGRESS");
    case.end(Outcome::Succeeded { facts: ClusterFacts::default() }).await;
    case.get("/v1/clusters/c").send().await.is(404);
    let history = case.get("/v1/operations?cluster=c").send().await.body;
    assert_eq!(history["operations"].as_array().unwrap().len(), 3, "history outlives the cluster");
}

#[tokio::test]
async fn lists_are_cut_into_pages_and_names_may_be_ambiguous() {
    let case = case().await;
    for name in ["a", "b", "b"] {
        case.cluster(name, "t").await;
    }
    assert_eq!(case.get("/v1/clusters/b").send().await.is(409).body["errors"][0]["reason"], "ambiguous_name");
    let mut path = "/v1/clusters/?limit=2&sort_key=name&sort_dir=desc".to_owned();
    let mut names = Vec::new();
    loop {
        let page = case.get(&path).send().await.is(200).body;
        names.extend(page["clusters"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = next.strip_prefix("http://api.example:9511").unwrap().to_owned();
    }
    assert_eq!(names, ["b", "b", "a"]);
}

// Covers: R207.
#[tokio::test]
async fn the_quota_counts_per_project() {
    let case = Case::with(Settings {
        quotas: QuotaDefaults { clusters: 1, ..QuotaDefaults::default() },
        ..Settings::default()
    })
    .await;
    case.template("t", "kubernetes").await;
    case.cluster("a", "t").await;
    let body = json!({"name": "b", "cluster_template_id": "t"});
    let answer = case.post("/v1/clusters", &body).send().await.is(403);
    assert_eq!(answer.body["errors"][0]["reason"], "quota_reached");
    let stats = case.get("/v1/stats").send().await.is(200).body;
    assert_eq!(stats, json!({"clusters": 1, "nodes": 3}));
    case.get("/v1/stats?project_id=q").send().await.is(403);
    case.get("/v1/stats?type=x").send().await.is(400);
}

#[tokio::test]
async fn the_topology_is_a_tree() {
    let case = case().await;
    case.cluster("c", "t").await;
    let tree = case.get("/v1/clusters/c/topology").send().await.is(200).body;
    assert_eq!((&tree["engine"], &tree["engine_version"]), (&json!("kubernetes v1.37.2"), &json!("v1.37.2")));
    let workers = &tree["node_groups"][1];
    assert_eq!((workers["name"].as_str(), workers["nodes"].as_array().unwrap().len()), (Some("default-worker"), 2));
    assert_eq!(
        (workers["nodes"][0]["name"].as_str(), workers["nodes"][0]["phase"].as_str()),
        (Some("c-worker-0"), Some("starting"))
    );
}

// Covers: R193, R194.
#[tokio::test]
async fn an_unknown_template_is_bad_input_of_old_and_not_found_today() {
    let case = Case::new().await;
    let body = json!({"cluster_template_id": "nope"});
    for (version, status) in [(1, 400), (9, 400), (10, 404), (14, 404)] {
        let call = case.call("POST", "/v1/clusters").token("member").version(version).json(&body);
        call.send().await.is(status);
    }
}

#[tokio::test]
async fn what_is_complete_has_nothing_to_retry_and_says_so() {
    let case = case().await;
    case.complete_cluster("c", "t").await;
    let answer = case.call("POST", "/v1/clusters/c/actions/retry").token("member").send().await.is(400);
    assert_eq!(answer.body["errors"][0]["reason"], "status_refuses");
    let said = answer.body["errors"][0]["detail"].as_str().unwrap();
    assert_eq!(said, "Nothing has failed in status CREATE_COMPLETE, so there is nothing to retry.");
}
