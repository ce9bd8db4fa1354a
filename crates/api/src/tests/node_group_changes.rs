//! Updating, resizing and deleting node groups.

use jeroboam_model::node_group::MAX_MARKS;
use jeroboam_model::{Cause, CauseExt, Code};
use jeroboam_store::Outcome;
use serde_json::{Value, json};

use super::{Answer, Case};

const GROUP: &str = "/v1/clusters/c/nodegroups/gpu";
const RESIZE: &str = "/v1/clusters/c/actions/resize";

/// A cluster with a group of two nodes, bounds 1 to 3, besides the default groups.
async fn case() -> Case {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.living_cluster("c", "t").await;
    let body = json!({"name": "gpu", "node_count": 2, "min_node_count": 1, "max_node_count": 3});
    case.post("/v1/clusters/c/nodegroups", &body).send().await.is(202);
    case.succeed().await;
    case
}

async fn patch(case: &Case, op: &str, path: &str, value: Value) -> Answer {
    let mut operation = json!({"op": op, "path": path});
    if !value.is_null() {
        operation["value"] = value;
    }
    case.patch(GROUP, &json!([operation])).send().await
}

async fn group(case: &Case) -> Value {
    case.get(GROUP).send().await.is(200).body
}

async fn cluster_status(case: &Case) -> Value {
    case.get("/v1/clusters/c").send().await.is(200).body["status"].clone()
}

// Covers: R034, R276, R277, R278.
#[tokio::test]
async fn bounds_labels_and_taints_can_be_changed() {
    let case = case().await;
    let answer = patch(&case, "replace", "/max_node_count", json!(5)).await.is(202);
    assert_eq!((&answer.body["max_node_count"], &answer.body["status"]), (&json!(5), &json!("UPDATE_IN_PROGRESS")));
    assert_eq!(cluster_status(&case).await, "UPDATE_IN_PROGRESS");
    assert_eq!(answer.body["links"][0]["rel"], "self");
    // Again while the first resize is in progress, as autoscalers do.
    patch(&case, "replace", "/min_node_count", json!("2")).await.is(202);
    patch(&case, "remove", "/max_node_count", Value::Null).await.is(202);
    patch(&case, "remove", "/min_node_count", Value::Null).await.is(202);
    let now = group(&case).await;
    assert_eq!((&now["max_node_count"], &now["min_node_count"]), (&Value::Null, &json!(0)));
    for _ in 0..4 {
        case.succeed().await;
    }
    assert_eq!(
        (group(&case).await["status"].as_str(), cluster_status(&case).await),
        (Some("UPDATE_COMPLETE"), json!("UPDATE_COMPLETE"))
    );

    patch(&case, "replace", "/node_labels", json!("{'a': 'b'}")).await.is(202);
    patch(&case, "add", "/node_labels/c", json!("d")).await.is(202);
    let taints = "[{'key': 'x', 'value': 'y', 'effect': 'NoSchedule'}]";
    patch(&case, "replace", "/node_taints", json!(taints)).await.is(202);
    let now = group(&case).await;
    assert_eq!(now["node_labels"], json!({"a": "b", "c": "d"}));
    assert_eq!(now["node_taints"], json!([{"key": "x", "value": "y", "effect": "NoSchedule"}]));
    patch(&case, "replace", "/node_taints", json!("[]")).await.is(202);
    patch(&case, "remove", "/node_labels", Value::Null).await.is(202);
    let now = group(&case).await;
    assert_eq!((&now["node_labels"], &now["node_taints"]), (&json!({}), &json!([])));
}

// Covers: R279, R280, R281.
#[tokio::test]
async fn what_a_group_was_made_with_stays_and_nothing_is_changed_by_halves() {
    let case = case().await;
    let before = group(&case).await;
    for (status, field, path, value) in [
        (400, "node_count", "/node_count", json!(3)),
        (400, "labels", "/labels", json!("{'a': 'b'}")),
        (400, "labels/x", "/labels/x", json!("y")),
        (400, "flavor_id", "/flavor_id", json!("m1.large")),
        (400, "name", "/name", json!("x")),
        (400, "is_default", "/is_default", json!(true)),
        (400, "uuid", "/uuid", json!("x")),
        (400, "nope", "/nope", json!("x")),
        (400, "min_node_count", "/min_node_count", json!(-1)),
        (400, "min_node_count", "/min_node_count", json!("many")),
        (409, "node_count", "/min_node_count", json!(3)),
        (409, "node_count", "/max_node_count", json!(1)),
        (400, "node_labels", "/node_labels", json!("a=b")),
        (409, "node_labels.k8s.io/a", "/node_labels", json!("{'k8s.io/a': 'b'}")),
        (400, "node_labels.a", "/node_labels", json!("{'a': 1}")),
        (409, "node_taints", "/node_taints", json!("[{'effect': 'NoSchedule'}]")),
        (400, "node_taints", "/node_taints", json!("{'a': 'b'}")),
    ] {
        let answer = patch(&case, "replace", path, value.clone()).await.is(status);
        assert_eq!(answer.field(), field, "{path} {value}: {}", answer.body);
    }
    let both = json!([
        {"op": "replace", "path": "/max_node_count", "value": 9},
        {"op": "replace", "path": "/node_count", "value": 9},
    ]);
    case.patch(GROUP, &both).send().await.is(400);
    let nothing = case.patch(GROUP, &json!([])).send().await.is(202);
    assert!(!nothing.headers.contains_key("x-jeroboam-operation"));
    assert_eq!(group(&case).await, before);
    let masters = "/v1/clusters/c/nodegroups/default-master";
    let labels = json!([{"op": "replace", "path": "/node_labels", "value": "{'a': 'b'}"}]);
    case.patch(masters, &labels).send().await.is(409);
}

// Covers: R276.
#[tokio::test]
async fn a_value_that_is_there_already_is_an_update_and_nothing_at_all_is_none() {
    let case = case().await;
    let before = group(&case).await;
    // Terraform sends all that it knows, and then waits for UPDATE_COMPLETE.
    let same = patch(&case, "replace", "/max_node_count", before["max_node_count"].clone()).await.is(202);
    assert!(same.headers.contains_key("x-jeroboam-operation"));
    assert_eq!(
        (same.body["status"].as_str(), cluster_status(&case).await),
        (Some("UPDATE_IN_PROGRESS"), json!("UPDATE_IN_PROGRESS"))
    );
    case.succeed().await;
    let after = group(&case).await;
    assert_eq!((&after["status"], &after["max_node_count"]), (&json!("UPDATE_COMPLETE"), &before["max_node_count"]));
    let nothing = case.patch(GROUP, &json!([])).send().await.is(202);
    assert!(!nothing.headers.contains_key("x-jeroboam-operation"));
    assert_eq!(nothing.body, after);
}

// Covers: R282.
#[tokio::test]
async fn a_group_that_is_being_made_is_not_changed() {
    let case = case().await;
    case.post("/v1/clusters/c/nodegroups", &json!({"name": "new"})).send().await.is(202);
    for body in [json!([{"op": "add", "path": "/max_node_count", "value": 5}]), json!([])] {
        let answer = case.patch("/v1/clusters/c/nodegroups/new", &body).send().await.is(400);
        assert_eq!(answer.body["errors"][0]["reason"], "status_refuses");
    }
    assert!(case.get("/v1/clusters/c/nodegroups/new").send().await.body["max_node_count"].is_null());
}

// Covers: R035, R283, R284.
#[tokio::test]
async fn a_group_goes_with_its_nodes_and_a_default_one_stays() {
    let case = case().await;
    for name in ["default-worker", "default-master"] {
        case.delete(&format!("/v1/clusters/c/nodegroups/{name}")).send().await.is(400);
    }
    let answer = case.delete(GROUP).send().await.is(204);
    assert!(!answer.headers.contains_key("content-type"));
    assert_eq!(
        (group(&case).await["status"].as_str(), cluster_status(&case).await),
        (Some("DELETE_IN_PROGRESS"), json!("UPDATE_IN_PROGRESS"))
    );
    let again = case.delete(GROUP).send().await.is(204);
    assert_eq!(answer.operation(), again.operation(), "deleting twice is deleting once");
    case.post(RESIZE, &json!({"node_count": 2, "nodegroup": "gpu"})).send().await.is(400);
    case.succeed().await;
    case.get(GROUP).send().await.is(404);
    assert_eq!(cluster_status(&case).await, "UPDATE_COMPLETE");
    case.delete(GROUP).send().await.is(404);
}

// Covers: R028, R238, R239, R240, R241.
#[tokio::test]
async fn a_group_is_resized_within_its_bounds() {
    let case = case().await;
    for bad in [json!([1]), json!([true]), json!([null]), json!("x")] {
        let body = json!({"node_count": 1, "nodegroup": "gpu", "nodes_to_remove": bad});
        assert_eq!(case.post(RESIZE, &body).send().await.is(400).field(), "nodes_to_remove", "{bad}");
    }
    for count in [0, 4] {
        let answer = case.post(RESIZE, &json!({"node_count": count, "nodegroup": "gpu"})).send().await.is(400);
        assert_eq!(answer.field(), "node_count");
    }
    let body = json!({"node_count": 3, "nodegroup": "default-master"});
    assert_eq!(case.post(RESIZE, &body).send().await.is(400).field(), "nodegroup");
    case.post(RESIZE, &json!({"node_count": 3, "nodegroup": "nope"})).send().await.is(404);
    case.post("/v1/clusters/nope/actions/resize", &json!({"node_count": 3})).send().await.is(404);
    let uuid = group(&case).await["uuid"].clone();
    for ident in [json!("gpu"), uuid] {
        let body = json!({"node_count": 3, "nodegroup": ident});
        case.call("POST", RESIZE).token("member").version(7).json(&body).send().await.is(202);
    }
    let resized = group(&case).await;
    assert_eq!((&resized["node_count"], &resized["status"]), (&json!(3), &json!("UPDATE_IN_PROGRESS")));
    let others = case.get("/v1/clusters/c/nodegroups/default-worker").send().await.body;
    assert_eq!((&others["node_count"], &others["status"]), (&json!(2), &json!("CREATE_COMPLETE")));
    for max in [json!("0"), Value::Null] {
        let op = if max.is_null() { "remove" } else { "replace" };
        patch(&case, op, "/max_node_count", max).await.is(202);
        case.post(RESIZE, &json!({"node_count": 30, "nodegroup": "gpu"})).send().await.is(202);
    }
}

// Covers: R222.
#[tokio::test]
async fn a_group_that_failed_is_named_among_the_faults() {
    let case = case().await;
    case.post("/v1/clusters/c/nodegroups", &json!({"name": "new"})).send().await.is(202);
    case.end(Outcome::Failed(Cause::user(Code::StepUndone, "it broke", "mend it"))).await;
    let cluster = case.get("/v1/clusters/c").send().await.body;
    assert_eq!(cluster["status"], "UPDATE_FAILED");
    assert_eq!(cluster["faults"], json!({"new": "it broke"}));
    let list = case.get("/v1/clusters/detail").send().await.body;
    assert!(list["clusters"][0].get("faults").is_none());
    case.call("POST", "/v1/clusters/c/actions/retry").token("member").send().await.is(202);
    case.succeed().await;
    let cluster = case.get("/v1/clusters/c").send().await.body;
    assert_eq!((cluster["status"].as_str(), cluster.get("faults")), (Some("UPDATE_COMPLETE"), None));
}

#[tokio::test]
async fn admins_work_on_groups_of_all_projects() {
    let case = case().await;
    let admin = |method: &'static str, path: &'static str, body: Option<Value>| {
        let call = case.call(method, path).token("admin").latest();
        let call = if let Some(body) = body { call.json(&body) } else { call };
        call.send()
    };
    let made = admin("POST", "/v1/clusters/c/nodegroups", Some(json!({"name": "a"}))).await.is(202);
    assert_eq!(made.body["project_id"], "p", "it belongs to the cluster's project");
    let body = json!([{"op": "replace", "path": "/max_node_count", "value": 7}]);
    admin("PATCH", GROUP, Some(body)).await.is(202);
    admin("POST", RESIZE, Some(json!({"node_count": 5, "nodegroup": "gpu"}))).await.is(202);
    admin("DELETE", GROUP, None).await.is(204);
}

#[tokio::test]
async fn a_group_has_no_more_labels_and_taints_than_nodes_can_carry() {
    let case = case().await;
    let labels = |count: usize| (0..count).map(|n| (format!("l{n}"), json!("x"))).collect::<Value>();
    let taint = |n: usize| json!({"key": format!("t{n}"), "value": "", "effect": "NoSchedule"});
    let taints = |count: usize| (0..count).map(taint).collect::<Value>();
    for (name, most, more) in [
        ("node_labels", labels(MAX_MARKS), labels(MAX_MARKS + 1)),
        ("node_taints", taints(MAX_MARKS), taints(MAX_MARKS + 1)),
    ] {
        let path = format!("/{name}");
        patch(&case, "replace", &path, most.clone()).await.is(202);
        assert_eq!(patch(&case, "replace", &path, more.clone()).await.is(400).field(), name);
        assert_eq!(group(&case).await[name], most);
        let body = json!({"name": "more", name: more});
        assert_eq!(case.post("/v1/clusters/c/nodegroups", &body).send().await.is(400).field(), name);
    }
    assert_eq!(patch(&case, "add", "/node_labels/one-more", json!("x")).await.is(400).field(), "node_labels");
}
