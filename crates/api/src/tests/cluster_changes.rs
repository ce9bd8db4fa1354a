//! Changing, resizing, upgrading and deleting clusters, rule by rule.

use jeroboam_model::{Cause, CauseExt, Code};
use jeroboam_store::Outcome;
use serde_json::{Value, json};

use super::{Answer, Case};

const CLUSTER: &str = "/v1/clusters/c";
const RESIZE: &str = "/v1/clusters/c/actions/resize";
const UPGRADE: &str = "/v1/clusters/c/actions/upgrade";

async fn case() -> Case {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.living_cluster("c", "t").await;
    case
}

/// A cluster in each possible status, named `c`.
async fn in_status(status: &str) -> Case {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let fail = || Outcome::Failed(Cause::user(Code::StepUndone, "it broke", "mend it"));
    let resize = json!({"node_count": 3});
    if status.starts_with("CREATE") {
        case.cluster("c", "t").await;
    } else {
        case.living_cluster("c", "t").await;
    }
    match status {
        "CREATE_IN_PROGRESS" => {}
        "CREATE_FAILED" => case.end(fail()).await,
        "CREATE_COMPLETE" => case.succeed().await,
        "UPDATE_IN_PROGRESS" | "UPDATE_FAILED" | "UPDATE_COMPLETE" => {
            case.post(RESIZE, &resize).send().await.is(202);
            match status {
                "UPDATE_FAILED" => case.end(fail()).await,
                "UPDATE_COMPLETE" => case.succeed().await,
                _ => {}
            }
        }
        _ => {
            case.delete(CLUSTER).send().await.is(204);
            if status == "DELETE_FAILED" {
                case.end(fail()).await;
            }
        }
    }
    assert_eq!(case.get(CLUSTER).send().await.is(200).body["status"], status);
    case
}

const STATUSES: [&str; 8] = [
    "CREATE_IN_PROGRESS",
    "CREATE_FAILED",
    "CREATE_COMPLETE",
    "UPDATE_IN_PROGRESS",
    "UPDATE_FAILED",
    "UPDATE_COMPLETE",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
];

async fn replace(case: &Case, path: &str, value: Value) -> Answer {
    case.patch(CLUSTER, &json!([{"op": "replace", "path": path, "value": value}])).send().await
}

async fn show(case: &Case) -> Value {
    case.get(CLUSTER).send().await.is(200).body
}

// Covers: R230, R244, R251, R255, R258, W055.
#[tokio::test]
async fn each_status_allows_what_it_should() {
    for status in STATUSES {
        let complete = ["CREATE_COMPLETE", "UPDATE_COMPLETE"].contains(&status);
        let resizable = complete || ["UPDATE_IN_PROGRESS", "UPDATE_FAILED"].contains(&status);
        let expected = |is_allowed: bool| if is_allowed { 202 } else { 400 };

        let case = in_status(status).await;
        let before = show(&case).await;
        let answer = replace(&case, "/node_count", json!(4)).await;
        assert_eq!(answer.status, expected(complete), "patch in {status}: {}", answer.body);
        if !complete {
            assert_eq!(show(&case).await, before, "{status}");
        }
        let case = in_status(status).await;
        let answer = case.post(RESIZE, &json!({"node_count": 4})).send().await;
        assert_eq!(answer.status, expected(resizable), "resize in {status}: {}", answer.body);
        let case = in_status(status).await;
        let answer = case.post(UPGRADE, &json!({"cluster_template": "t"})).send().await;
        assert_eq!(answer.status, expected(complete), "upgrade in {status}: {}", answer.body);
        for _ in 0..2 {
            case.delete(CLUSTER).send().await.is(204);
        }
        assert_eq!(show(&case).await["status"], "DELETE_IN_PROGRESS", "{status}");
        case.succeed_all().await;
        case.get(CLUSTER).send().await.is(404);
    }
    let failed = show(&in_status("DELETE_FAILED").await).await;
    assert_eq!(failed["status_reason"], "it broke");
}

// Covers: R024, R025, R226, R229.
#[tokio::test]
async fn a_new_number_of_nodes_is_seen_before_it_is_answered() {
    let case = case().await;
    for (version, count, status) in [(1, 3, 202), (9, 0, 400), (10, 0, 202)] {
        let patch = json!([{"op": "replace", "path": "/node_count", "value": count}]);
        let answer = case.call("PATCH", CLUSTER).token("member").version(version).json(&patch).send().await.is(status);
        if status != 202 {
            continue;
        }
        assert_eq!(answer.body, json!({"uuid": answer.uuid()}));
        let (cluster, group) =
            (show(&case).await, case.get("/v1/clusters/c/nodegroups/default-worker").send().await.body);
        for thing in [cluster, group] {
            assert_eq!((&thing["status"], &thing["node_count"]), (&json!("UPDATE_IN_PROGRESS"), &json!(count)));
            assert!(thing["status_reason"].is_null());
        }
        case.succeed().await;
    }
    // Removing the number means the default.
    case.patch(CLUSTER, &json!([{"op": "remove", "path": "/node_count"}])).send().await.is(202);
    assert_eq!(show(&case).await["node_count"], 1);
    case.call("DELETE", CLUSTER).token("member").send().await.is(204);
}

// Covers: R227, R233.
#[tokio::test]
async fn nothing_else_of_a_cluster_changes() {
    let case = case().await;
    let before = show(&case).await;
    for (path, value) in [
        ("/name", json!("x")),
        ("/labels", json!("{'etcd_tag': 'b'}")),
        ("/labels/etcd_tag", json!("b")),
        ("/master_count", json!(3)),
        ("/keypair", json!("x")),
        ("/cluster_template_id", json!("x")),
        ("/flavor_id", json!("x")),
        ("/status", json!("CREATE_FAILED")),
        ("/health_status", json!("FINE")),
        ("/api_address", json!("x")),
        ("/stack_id", json!("x")),
        ("/cluster_id", json!("x")),
        ("/ca_cert_ref", json!("x")),
    ] {
        for op in ["replace", "add"] {
            case.patch(CLUSTER, &json!([{"op": op, "path": path, "value": value}])).send().await.is(400);
        }
    }
    case.patch(CLUSTER, &json!([{"op": "remove", "path": "/cluster_template_id"}])).send().await.is(400);
    let half = json!([
        {"op": "replace", "path": "/node_count", "value": 4},
        {"op": "replace", "path": "/name", "value": "x"},
    ]);
    case.patch(CLUSTER, &half).send().await.is(400);
    assert_eq!(show(&case).await, before);
}

// Covers: R232.
#[tokio::test]
async fn health_is_taken_in_every_status_but_on_the_way_out() {
    for status in STATUSES {
        let case = in_status(status).await;
        let patch = json!([
            {"op": "replace", "path": "/health_status", "value": "HEALTHY"},
            {"op": "replace", "path": "/health_status_reason", "value": "{'api': 'ok', 'c-worker-0.Ready': 'True'}"},
        ]);
        let is_taken = status != "DELETE_IN_PROGRESS";
        case.patch(CLUSTER, &patch).send().await.is(if is_taken { 202 } else { 400 });
        let cluster = show(&case).await;
        assert_eq!(cluster["status"], status);
        if is_taken {
            assert_eq!(cluster["health_status"], "HEALTHY");
            assert_eq!(cluster["health_status_reason"], json!({"api": "ok", "c-worker-0.Ready": "True"}));
        }
    }
}

// Covers: R026, R027, R235, R237, R243, R245.
#[tokio::test]
async fn resizing_is_checked_and_seen_before_it_is_answered() {
    let case = case().await;
    for body in [
        json!({}),
        json!({"node_count": null}),
        json!({"node_count": -1}),
        json!({"node_count": "many"}),
        json!({"node_count": 2, "nope": 1}),
        json!({"node_count": 2, "nodes_to_remove": "x"}),
        json!({"node_count": 1, "nodes_to_remove": ["nobody"]}),
    ] {
        case.post(RESIZE, &body).send().await.is(400);
    }
    assert_eq!(show(&case).await["status"], "CREATE_COMPLETE");
    for (version, count, status) in [(7, 3, 202), (9, 0, 400), (10, 0, 202), (14, 2, 202)] {
        let call = case.call("POST", RESIZE).token("member").version(version);
        let answer = call.json(&json!({"node_count": count})).send().await.is(status);
        if status != 202 {
            continue;
        }
        let cluster = show(&case).await;
        assert_eq!(answer.body, json!({"uuid": cluster["uuid"]}));
        assert_eq!((&cluster["status"], &cluster["node_count"]), (&json!("UPDATE_IN_PROGRESS"), &json!(count)));
        let group = case.get("/v1/clusters/c/nodegroups/default-worker").send().await.body;
        assert_eq!((&group["status"], &group["node_count"]), (&json!("UPDATE_IN_PROGRESS"), &json!(count)));
        let master = case.get("/v1/clusters/c/nodegroups/default-master").send().await.body;
        assert_eq!(master["status"], "CREATE_COMPLETE");
    }
    case.succeed_all().await;
    assert_eq!(show(&case).await["status"], "UPDATE_COMPLETE");
    let case = in_status("UPDATE_FAILED").await;
    case.post(RESIZE, &json!({"node_count": 2})).send().await.is(202);
    // The failed operation was not rolled back: the new one brings the whole desired state.
    case.succeed_all().await;
    let cluster = show(&case).await;
    assert_eq!((&cluster["status"], &cluster["status_reason"]), (&json!("UPDATE_COMPLETE"), &Value::Null));
}

#[tokio::test]
async fn a_node_to_remove_is_named_by_id_name_number_or_address() {
    let case = case().await;
    let cluster = show(&case).await["uuid"].as_str().unwrap().parse().unwrap();
    let nodes = case.store.nodes(cluster).await.unwrap();
    let second = nodes.iter().find(|node| node.name == "c-worker-1").unwrap().uuid;
    case.store.set_machine(second, "0123456789abcdef", Some("172.18.0.12".parse().unwrap())).await.unwrap();
    for ident in [&second.to_string(), &second.simple().to_string(), "c-worker-1", "1", "172.18.0.12", "0123456789ab"] {
        let body = json!({"node_count": 1, "nodes_to_remove": [ident]});
        let answer = case.post(RESIZE, &body).send().await;
        assert!([202, 400].contains(&answer.status), "{ident}: {}", answer.body);
        let nodes = case.store.nodes(cluster).await.unwrap();
        let leaving: Vec<_> = nodes.iter().filter(|node| !node.wanted).map(|node| node.uuid).collect();
        assert_eq!(leaving, [second], "{ident}");
    }
}

// Covers: R029, R246, R247, R248, R249, R250, R252, R253.
#[tokio::test]
async fn an_upgrade_moves_a_cluster_where_no_node_would_notice() {
    let case = case().await;
    case.post("/v1/clusters/c/nodegroups", &json!({"name": "gpu"})).send().await.is(202);
    case.succeed().await;
    let same = case.template("same", "kubernetes").await;
    let newer = json!({"name": "newer", "coe": "kubernetes", "image_id": "debian-13", "labels": {"kube_tag": "v1.36"}});
    case.post("/v1/clustertemplates", &newer).send().await.is(201);
    case.template("swarm", "swarm").await;
    let before = show(&case).await;
    for (status, field, body) in [
        (400, "cluster_template", json!({})),
        (400, "max_batch_size", json!({"cluster_template": "same", "max_batch_size": 0})),
        (400, "nope", json!({"cluster_template": "same", "nope": 1})),
        (404, "", json!({"cluster_template": "nope"})),
        (404, "", json!({"cluster_template": "same", "nodegroup": "nope"})),
        (409, "nodegroup", json!({"cluster_template": "same", "nodegroup": "gpu"})),
        (400, "cluster_template", json!({"cluster_template": "newer"})),
        (400, "cluster_template", json!({"cluster_template": "swarm"})),
    ] {
        let answer = case.post(UPGRADE, &body).send().await.is(status);
        assert_eq!(answer.field(), field, "{body}: {}", answer.body);
    }
    let answer = case.post(UPGRADE, &json!({"cluster_template": "newer"})).send().await.is(400);
    assert_eq!(answer.body["errors"][0]["reason"], "upgrade_not_offered");
    assert_eq!(show(&case).await, before, "a refusal leaves everything as it is");

    for (version, batch) in [(8, json!({})), (14, json!({"max_batch_size": null})), (14, json!({"max_batch_size": 2}))]
    {
        let mut body = batch;
        body["cluster_template"] = json!("same");
        let call = case.call("POST", UPGRADE).token("member").version(version);
        let answer = call.json(&body).send().await.is(202);
        assert_eq!(answer.body, json!({"uuid": before["uuid"]}));
        assert_eq!(show(&case).await["status"], "UPDATE_IN_PROGRESS");
        let group = case.get("/v1/clusters/c/nodegroups/default-worker").send().await.body;
        assert_eq!(group["status"], "UPDATE_IN_PROGRESS");
        case.succeed().await;
        let cluster = show(&case).await;
        assert_eq!((&cluster["status"], &cluster["cluster_template_id"]), (&json!("UPDATE_COMPLETE"), &json!(same)));
    }
    // An additional node group follows its cluster.
    let body = json!({"cluster_template": same, "nodegroup": "gpu"});
    case.post(UPGRADE, &body).send().await.is(202);
}

// Covers: R152, R228.
#[tokio::test]
async fn the_value_that_is_there_is_no_change_however_it_is_written() {
    let case = case().await;
    let body =
        json!({"name": "labelled", "cluster_template_id": "t", "labels": {"etcd_tag": "1", "use_podman": "True"}});
    case.post("/v1/clusters", &body).send().await.is(202);
    case.succeed_all().await;
    let path = "/v1/clusters/labelled";
    let before = case.get(path).send().await.is(200).body;
    for (name, same, other) in [
        ("master_count", json!("1"), json!("3")),
        ("create_timeout", json!("60"), json!("61")),
        ("create_timeout", json!(60), json!("sixty")),
        ("floating_ip_enabled", json!("True"), json!("False")),
        ("floating_ip_enabled", json!("yes"), json!("perhaps")),
        ("master_lb_enabled", json!("0"), json!("1")),
        ("merge_labels", json!(false), json!("true")),
        ("labels", json!("{'etcd_tag': 1, 'use_podman': True}"), json!("{'etcd_tag': 2, 'use_podman': True}")),
        ("node_count", json!("1"), json!("one")),
    ] {
        for (value, status) in [(same, 202), (other, 400)] {
            let patch = json!([{"op": "replace", "path": format!("/{name}"), "value": value}]);
            let answer = case.patch(path, &patch).send().await.is(status);
            assert!(!answer.headers.contains_key("x-jeroboam-operation"));
            assert!(status == 202 || answer.field() == name, "{}", answer.body);
        }
    }
    assert_eq!(case.get(path).send().await.body, before);
    for (path, name, value) in [("/v1/bays/labelled", "bay_create_timeout", "60"), ("/v1/bays/c", "node_count", "2")] {
        let patch = json!([{"op": "replace", "path": format!("/{name}"), "value": value}]);
        case.call("PATCH", path).token("member").version(10).json(&patch).send().await.is(202);
    }
}

// Covers: R229.
#[tokio::test]
async fn who_may_not_ask_for_no_nodes_may_not_even_when_there_are_none() {
    let case = case().await;
    replace(&case, "/node_count", json!(0)).await.is(202);
    case.succeed_all().await;
    let before = show(&case).await;
    assert_eq!(before["node_count"], 0);
    for (path, version, status) in [
        (CLUSTER, 1, 400),
        (CLUSTER, 9, 400),
        (CLUSTER, 10, 202),
        (CLUSTER, 14, 202),
        ("/v1/bays/c", 1, 400),
        ("/v1/bays/c", 9, 400),
        ("/v1/bays/c", 10, 400),
    ] {
        for value in [json!(0), json!("0")] {
            let patch = json!([{"op": "replace", "path": "/node_count", "value": value}]);
            let call = case.call("PATCH", path).token("member").version(version).json(&patch);
            assert_eq!(call.send().await.is(status).field(), if status == 400 { "node_count" } else { "" });
        }
    }
    // A patch that does not change nodes is not checked for them.
    let patch = json!([{"op": "replace", "path": "/health_status", "value": "HEALTHY"}]);
    case.call("PATCH", CLUSTER).token("member").version(1).json(&patch).send().await.is(202);
    assert_eq!(show(&case).await["status"], before["status"]);
}

// Covers: R231.
#[tokio::test]
async fn a_reason_alone_says_nothing_about_health() {
    let case = case().await;
    let health = |cluster: &Value| (cluster["health_status"].clone(), cluster["health_status_reason"].clone());
    for (path, value, expected) in [
        ("/health_status_reason", json!("{u'api': u'\\x41'}"), (Value::Null, json!({"api": "A"}))),
        ("/health_status", json!("HEALTHY"), (json!("HEALTHY"), json!({"api": "A"}))),
        ("/health_status_reason", json!("{'api': 'ok'}"), (json!("HEALTHY"), json!({"api": "ok"}))),
    ] {
        replace(&case, path, value).await.is(202);
        let cluster = show(&case).await;
        assert_eq!((health(&cluster), &cluster["status"]), (expected, &json!("CREATE_COMPLETE")));
    }
    case.patch(CLUSTER, &json!([{"op": "remove", "path": "/health_status"}])).send().await.is(202);
    assert_eq!(show(&case).await["health_status"], "UNKNOWN");
}

#[tokio::test]
async fn nodes_and_health_are_changed_together_or_not_at_all() {
    let case = case().await;
    let both = |count: u32| {
        json!([
            {"op": "replace", "path": "/health_status", "value": "UNHEALTHY"},
            {"op": "replace", "path": "/node_count", "value": count},
        ])
    };
    let seen = async || {
        let cluster = show(&case).await;
        (cluster["node_count"].clone(), cluster["health_status"].clone())
    };
    case.patch(CLUSTER, &both(10_000)).send().await.is(400);
    let quota = json!({"project_id": "p", "resource": "WorkerNode", "hard_limit": 3});
    case.call("POST", "/v1/quotas").token("admin").latest().json(&quota).send().await.is(201);
    case.patch(CLUSTER, &both(9)).send().await.is(403);
    assert_eq!(seen().await, (json!(2), Value::Null));
    case.patch(CLUSTER, &both(3)).send().await.is(202);
    assert_eq!(seen().await, (json!(3), json!("UNHEALTHY")));
    // It is busy now.
    let other = json!([
        {"op": "replace", "path": "/health_status", "value": "HEALTHY"},
        {"op": "replace", "path": "/node_count", "value": 1},
    ]);
    case.patch(CLUSTER, &other).send().await.is(400);
    assert_eq!(seen().await, (json!(3), json!("UNHEALTHY")));
}
