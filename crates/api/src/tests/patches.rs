//! Magnum's dialect of JSON patch, through the API: all or nothing, and everything outside the dialect is refused.

use serde_json::{Value, json};

use super::{Answer, Case};

const PATH: &str = "/v1/clustertemplates/t";

async fn case() -> Case {
    let case = Case::new().await;
    let body = json!({"name": "t", "coe": "kubernetes", "image_id": "debian-13", "keypair_id": "k",
        "labels": {"etcd_tag": "1"}});
    case.post("/v1/clustertemplates", &body).send().await.is(201);
    case
}

async fn patch(case: &Case, operations: Value) -> Answer {
    case.patch(PATH, &operations).send().await
}

async fn template(case: &Case) -> Value {
    case.get(PATH).send().await.is(200).body
}

// Covers: R138.
#[tokio::test]
async fn an_empty_patch_changes_nothing() {
    let case = case().await;
    case.complete_cluster("c", "t").await;
    let before = template(&case).await;
    patch(&case, json!([])).await.is(200);
    assert_eq!(template(&case).await, before);
    case.patch("/v1/clusters/c", &json!([])).send().await.is(202);
    case.patch("/v1/clusters/c/nodegroups/default-worker", &json!([])).send().await.is(202);
    for (path, status) in [("/v1/baymodels/t", 200), ("/v1/bays/c", 202)] {
        case.call("PATCH", path).token("member").version(10).json(&json!([])).send().await.is(status);
    }
}

// Covers: R139, R140, R141, R142, R143, R146, R149, R151, R153, W018, W019, W020, W021.
#[tokio::test]
async fn what_is_not_in_the_dialect_is_refused_and_nothing_is_changed() {
    let case = case().await;
    let before = template(&case).await;
    let replace = |path: &str, value: Value| json!([{"op": "replace", "path": path, "value": value}]);
    let mut bad = vec![
        json!({"op": "replace", "path": "/name", "value": "x"}),
        json!("x"),
        json!([1]),
        json!([{"path": "/name", "value": "x"}]),
        json!([{"op": "replace", "value": "x"}]),
        json!([{"op": "replace", "path": "/name", "value": "x", "from": "/tags"}]),
        json!([{"op": "replace", "path": "/name"}]),
        json!([{"op": "add", "path": "/tags"}]),
        json!([{"op": "add", "path": "/keypair_id", "value": "x"}]),
        json!([{"op": "add", "path": "/nope", "value": "x"}]),
        json!([{"op": "remove", "path": "/nope"}]),
        json!([{"op": "remove", "path": "/labels/nope"}]),
        replace("/nope", json!("x")),
        replace("/labels/nope", json!("x")),
        replace("/labels", json!("a=b")),
        replace("/labels", json!("{'a': ")),
        replace("/labels", json!("")),
        replace("/name", json!(null)),
        replace("/name", json!("")),
        replace("/name", json!({"a": "b"})),
        replace("/name", json!(["a"])),
        replace("/docker_volume_size", json!(1.5)),
    ];
    bad.extend(["test", "move", "copy", "REPLACE", ""].map(|op| json!([{"op": op, "path": "/name", "value": "x"}])));
    bad.extend(
        ["name", "", "/", "/na.me", "/labels/a~1b", "/labels/a.b", "//name", "/name/"]
            .map(|path| replace(path, json!("x"))),
    );
    for name in ["uuid", "id", "links", "created_at", "updated_at", "project_id", "user_id"] {
        bad.push(replace(&format!("/{name}"), json!("x")));
        bad.push(json!([{"op": "remove", "path": format!("/{name}")}]));
        bad.push(json!([{"op": "add", "path": format!("/{name}"), "value": "x"}]));
    }
    for name in [
        "coe",
        "image_id",
        "network_driver",
        "external_network_id",
        "tls_disabled",
        "public",
        "hidden",
        "server_type",
        "registry_enabled",
        "cluster_distro",
    ] {
        bad.push(json!([{"op": "remove", "path": format!("/{name}")}]));
    }
    for operations in bad {
        let answer = patch(&case, operations.clone()).await;
        assert_eq!(answer.status, 400, "{operations}: {}", answer.body);
    }
    // The first operation is valid, the second is not.
    let half = json!([
        {"op": "replace", "path": "/name", "value": "half"},
        {"op": "replace", "path": "/docker_volume_size", "value": 0},
    ]);
    assert_eq!(patch(&case, half).await.is(400).field(), "docker_volume_size");
    assert_eq!(template(&case).await, before);
}

// Covers: R144, R145, R147, R148, R150, R152.
#[tokio::test]
async fn what_clients_of_all_times_send_is_understood() {
    let case = case().await;
    for (operation, name, expected) in [
        // Dictionaries in Python syntax, as sent by the command line, Terraform and auto-healers.
        (json!({"op": "replace", "path": "/labels", "value": "{'etcd_tag': '2'}"}), "labels", json!({"etcd_tag": "2"})),
        (
            json!({"op": "replace", "path": "/labels", "value": "{\"etcd_tag\": \"3\", \"use_podman\": true}"}),
            "labels",
            json!({"etcd_tag": "3", "use_podman": "True"}),
        ),
        (
            json!({"op": "add", "path": "/labels/coredns_tag", "value": "4"}),
            "labels",
            json!({"etcd_tag": "3", "use_podman": "True", "coredns_tag": "4"}),
        ),
        (
            json!({"op": "add", "path": "/labels/etcd_tag", "value": "5"}),
            "labels",
            json!({"etcd_tag": "5", "use_podman": "True", "coredns_tag": "4"}),
        ),
        (json!({"op": "remove", "path": "/labels/use_podman"}), "labels", json!({"etcd_tag": "5", "coredns_tag": "4"})),
        (json!({"op": "remove", "path": "/http_proxy"}), "http_proxy", Value::Null),
        (json!({"op": "remove", "path": "/keypair_id", "value": "ignored"}), "keypair_id", Value::Null),
        (json!({"op": "add", "path": "/keypair_id", "value": "new"}), "keypair_id", json!("new")),
        (json!({"op": "replace", "path": "/docker_volume_size", "value": "7"}), "docker_volume_size", json!(7)),
        (json!({"op": "replace", "path": "/apiserver_port", "value": 8443}), "apiserver_port", json!(8443)),
        (json!({"op": "replace", "path": "/registry_enabled", "value": "True"}), "registry_enabled", json!(true)),
        (json!({"op": "remove", "path": "/master_lb_enabled"}), "master_lb_enabled", json!(false)),
        (json!({"op": "remove", "path": "/floating_ip_enabled"}), "floating_ip_enabled", json!(true)),
        (json!({"op": "replace", "path": "/tags", "value": ""}), "tags", json!("")),
        (json!({"op": "remove", "path": "/labels"}), "labels", json!({})),
    ] {
        let answer = patch(&case, json!([operation])).await.is(200);
        assert_eq!(answer.body[name], expected, "{operation}");
        assert_eq!(template(&case).await[name], expected, "{operation}");
    }
    patch(&case, json!([{"op": "remove", "path": "/labels/etcd_tag"}])).await.is(400);
    let order = json!([
        {"op": "add", "path": "/labels/etcd_tag", "value": "1"},
        {"op": "replace", "path": "/labels/etcd_tag", "value": "2"},
        {"op": "add", "path": "/labels/etcd_tag", "value": "3"},
    ]);
    assert_eq!(patch(&case, order).await.is(200).body["labels"], json!({"etcd_tag": "3"}));
    case.complete_cluster("c", "t").await;
    let count = json!([{"op": "replace", "path": "/node_count", "value": "3"}]);
    case.patch("/v1/clusters/c", &count).send().await.is(202);
    assert_eq!(case.get("/v1/clusters/c").send().await.body["node_count"], 3);
}
