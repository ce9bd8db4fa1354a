use jeroboam_store::{ClusterFacts, Outcome};
use serde_json::{Value, json};

use super::Case;

const GROUPS: &str = "/v1/clusters/c/nodegroups";

async fn case() -> Case {
    let case = Case::new().await;
    let template = json!({"name": "t", "coe": "kubernetes", "image_id": "debian-13", "flavor_id": "m1.small",
        "labels": {"flannel_backend": "vxlan"}});
    case.post("/v1/clustertemplates", &template).send().await.is(201);
    case.living_cluster("c", "t").await;
    case
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

async fn statuses(case: &Case, group: &str) -> (String, String) {
    let status = |value: &Value| value["status"].as_str().unwrap().to_owned();
    let cluster = case.get("/v1/clusters/c").send().await.is(200).body;
    let group = case.get(&format!("{GROUPS}/{group}")).send().await.is(200).body;
    (status(&group), status(&cluster))
}

// Covers: R030, R031, R032, R219, R286, R287.
#[tokio::test]
async fn groups_are_listed_in_short_and_shown_in_full() {
    let case = case().await;
    for version in [9, 14] {
        let get = |path: String| case.call("GET", &path).token("member").version(version).send();
        let list = get(GROUPS.to_owned()).await.is(200).body;
        let groups = list["nodegroups"].as_array().unwrap();
        assert_eq!(
            keys(&groups[0]),
            [
                "flavor_id",
                "image_id",
                "is_default",
                "max_node_count",
                "merge_labels",
                "min_node_count",
                "name",
                "node_count",
                "role",
                "stack_id",
                "status",
                "uuid"
            ]
        );
        let facts: Vec<(&str, &str, u64, &str, Option<&str>)> = groups
            .iter()
            .map(|group| {
                let text = |name: &str| group[name].as_str();
                (
                    text("name").unwrap(),
                    text("role").unwrap(),
                    group["node_count"].as_u64().unwrap(),
                    text("image_id").unwrap(),
                    text("flavor_id"),
                )
            })
            .collect();
        assert_eq!(
            facts,
            [
                ("default-master", "master", 1, "debian-13", None),
                ("default-worker", "worker", 2, "debian-13", Some("m1.small"))
            ]
        );
        let by_name = get(format!("{GROUPS}/default-worker")).await.is(200).body;
        assert_eq!(
            keys(&by_name),
            [
                "cluster_id",
                "created_at",
                "docker_volume_size",
                "flavor_id",
                "id",
                "image_id",
                "is_default",
                "labels",
                "labels_added",
                "labels_overridden",
                "labels_skipped",
                "links",
                "max_node_count",
                "merge_labels",
                "min_node_count",
                "name",
                "node_addresses",
                "node_count",
                "node_labels",
                "node_taints",
                "project_id",
                "role",
                "stack_id",
                "status",
                "status_reason",
                "updated_at",
                "uuid",
                "version"
            ]
        );
        assert!(by_name["id"].as_i64().unwrap() > 0);
        let uuid = by_name["uuid"].as_str().unwrap();
        assert_eq!(get(format!("{GROUPS}/{uuid}")).await.is(200).body, by_name);
        let cluster = by_name["cluster_id"].as_str().unwrap();
        assert_eq!(
            by_name["links"][0]["href"],
            format!("http://api.example:9511/v1/clusters/{cluster}/nodegroups/{uuid}")
        );
        get(format!("{GROUPS}/detail")).await.is(404);
    }
}

// Covers: R088.
#[tokio::test]
async fn groups_came_with_their_microversion() {
    let case = case().await;
    let one = format!("{GROUPS}/default-worker");
    for (method, path, body) in [
        ("GET", GROUPS, None),
        ("GET", one.as_str(), None),
        ("POST", GROUPS, Some(json!({"name": "g"}))),
        ("PATCH", one.as_str(), Some(json!([]))),
        ("DELETE", one.as_str(), None),
    ] {
        let mut call = case.call(method, path).token("member").version(8);
        if let Some(body) = body {
            call = call.json(&body);
        }
        call.send().await.is(406);
    }
}

// Covers: R033, R221, R269.
#[tokio::test]
async fn a_new_group_takes_over_from_its_cluster_what_is_not_said() {
    let case = case().await;
    let body = json!({"name": "gpu", "node_count": null, "labels": null});
    let answer = case.call("POST", GROUPS).token("member").version(9).json(&body).send().await.is(202);
    let group = answer.body.clone();
    assert_eq!(group["role"], "worker");
    assert_eq!((group["flavor_id"].as_str(), group["image_id"].as_str()), (Some("m1.small"), Some("debian-13")));
    assert_eq!(group["labels"], json!({"flannel_backend": "vxlan"}));
    assert_eq!((group["node_count"].as_u64(), group["min_node_count"].as_u64()), (Some(1), Some(0)));
    assert!(group["max_node_count"].is_null() && group["is_default"] == false);
    assert_eq!(case.get(&format!("{GROUPS}/{}", answer.uuid())).send().await.is(200).body, group);
    assert_eq!(statuses(&case, "gpu").await, ("CREATE_IN_PROGRESS".into(), "UPDATE_IN_PROGRESS".into()));
    assert_eq!(case.get("/v1/clusters/c").send().await.body["node_count"], 3, "two and one");
    let operation = case.get(&format!("/v1/operations/{}", answer.operation())).send().await.is(200).body;
    assert_eq!(operation["kind"], "update");
    case.succeed().await;
    assert_eq!(statuses(&case, "gpu").await, ("CREATE_COMPLETE".into(), "UPDATE_COMPLETE".into()));
}

// Covers: R262, R266, R267, R268, R270, R271.
#[tokio::test]
async fn a_new_group_is_as_it_was_asked_for() {
    let case = case().await;
    let body = json!({
        "name": "any characters, as ö", "role": "gpu", "node_count": 0, "min_node_count": "0", "max_node_count": 4,
        "flavor_id": "m1.large", "image_id": "debian-13", "docker_volume_size": 5, "labels": {"boot_volume_size": 2},
        "merge_labels": true, "node_labels": {"example.org/a": "b"},
        "node_taints": [{"key": "gpu", "value": "", "effect": "NoSchedule"}, {"key": "x", "effect": "NoExecute"}],
        "is_default": true, "status": "DELETE_FAILED", "id": 7, "uuid": "x", "status_reason": "x",
    });
    let answer = case.call("POST", GROUPS).token("member").version(9).json(&body).send().await.is(202);
    let group = case.get(&format!("{GROUPS}/{}", answer.uuid())).send().await.is(200).body;
    for name in ["name", "role", "node_count", "max_node_count", "flavor_id", "image_id", "docker_volume_size"] {
        assert_eq!(group[name], body[name], "{name}");
    }
    assert_eq!(group["labels"], json!({"boot_volume_size": "2", "flannel_backend": "vxlan"}));
    assert_eq!(group["labels_added"], json!({"boot_volume_size": "2"}));
    assert_eq!((&group["labels_overridden"], &group["labels_skipped"]), (&json!({}), &json!({})));
    assert_eq!(group["node_labels"], json!({"example.org/a": "b"}));
    assert_eq!(
        group["node_taints"],
        json!([
            {"key": "gpu", "value": "", "effect": "NoSchedule"},
            {"key": "x", "value": "", "effect": "NoExecute"}
        ])
    );
    assert_eq!((group["is_default"].as_bool(), group["status"].as_str()), (Some(false), Some("CREATE_IN_PROGRESS")));
    assert!(group["id"] != 7 && group["status_reason"].is_null());
    // A group with its own role is found by it, and its nodes are workers.
    let list = case.get(&format!("{GROUPS}?role=gpu")).send().await.is(200).body;
    assert_eq!(list["nodegroups"].as_array().unwrap().len(), 1);
    let body = json!({"node_count": 2, "nodegroup": group["uuid"]});
    case.post("/v1/clusters/c/actions/resize", &body).send().await.is(202);
    assert_eq!(case.get("/v1/clusters/c").send().await.body["node_count"], 4);
    let body = json!({"name": "none", "node_count": null});
    assert_eq!(case.post(GROUPS, &body).send().await.is(202).body["node_count"], 1);
}

// Covers: R259, R260, R261, R263, R272, R273, R274, R275.
#[tokio::test]
async fn groups_are_refused_for_a_reason_that_names_the_field() {
    let case = case().await;
    let taint = |taint: Value| json!({"name": "g", "node_taints": [taint]});
    for (status, field, body) in [
        (400, "name", json!({})),
        (400, "name", json!({"name": ""})),
        (400, "name", json!({"name": "x".repeat(256)})),
        (409, "name", json!({"name": "default-worker"})),
        (400, "role", json!({"name": "g", "role": "master"})),
        (409, "node_labels", json!({"name": "g", "role": "master", "node_labels": {"a": "b"}})),
        (409, "node_count", json!({"name": "g", "node_count": 1, "min_node_count": 2})),
        (409, "max_node_count", json!({"name": "g", "node_count": 2, "min_node_count": 2, "max_node_count": 1})),
        (409, "node_count", json!({"name": "g", "node_count": 2, "max_node_count": 1})),
        (400, "node_count", json!({"name": "g", "node_count": -1})),
        (400, "node_count", json!({"name": "g", "node_count": 199})),
        (400, "max_node_count", json!({"name": "g", "max_node_count": -1})),
        (409, "node_labels.kubernetes.io/foo", json!({"name": "g", "node_labels": {"kubernetes.io/foo": "x"}})),
        (400, "node_labels.a", json!({"name": "g", "node_labels": {"a": 1}})),
        (400, "node_labels", json!({"name": "g", "node_labels": "a=b"})),
        (409, "node_taints", taint(json!({"effect": "NoSchedule"}))),
        (409, "node_taints", taint(json!({"key": "a", "effect": "Sometimes"}))),
        (409, "node_taints", taint(json!({"key": "a", "effect": "NoSchedule", "extra": "x"}))),
        (400, "node_taints", taint(json!("a=b:NoSchedule"))),
        (400, "node_taints", json!({"name": "g", "node_taints": {"key": "a"}})),
        (400, "image_id", json!({"name": "g", "image_id": "missing"})),
        (400, "project_id", json!({"name": "g", "project_id": "p"})),
        (400, "links", json!({"name": "g", "links": []})),
        (400, "stack_id", json!({"name": "g", "stack_id": "x"})),
        (400, "nope", json!({"name": "g", "nope": 1})),
        (400, "version", json!({"name": "g", "version": "x".repeat(21)})),
    ] {
        let answer = case.post(GROUPS, &body).send().await.is(status);
        assert_eq!(answer.field(), field, "{body}: {}", answer.body);
    }
    let list = case.get(GROUPS).send().await.body;
    assert_eq!(list["nodegroups"].as_array().unwrap().len(), 2);
    for (name, key) in [("a", "node.kubernetes.io/foo"), ("b", "topology.kubernetes.io/zone")] {
        case.post(GROUPS, &json!({"name": name, "node_labels": {key: "x"}})).send().await.is(202);
    }
}

// Covers: R264, R265, R285.
#[tokio::test]
async fn a_group_needs_a_cluster_that_it_can_join() {
    let case = case().await;
    let body = json!({"name": "g"});
    case.post("/v1/clusters/nope/nodegroups", &body).send().await.is(404);
    case.get("/v1/clusters/nope/nodegroups").send().await.is(404);
    for method in ["GET", "PATCH", "DELETE"] {
        let call = case.call(method, &format!("{GROUPS}/nope")).token("member").latest();
        let call = if method == "PATCH" { call.json(&json!([])) } else { call };
        call.send().await.is(404);
    }
    case.cluster("new", "t").await;
    case.post("/v1/clusters/new/nodegroups", &body).send().await.is(409);
    case.end(Outcome::Succeeded { facts: ClusterFacts::default() }).await;
    let answer = case.post("/v1/clusters/new/nodegroups", &body).send().await.is(409);
    assert_eq!(answer.body["errors"][0]["reason"], "cluster_not_reachable_yet");
    case.delete("/v1/clusters/c").send().await.is(204);
    let answer = case.post(GROUPS, &body).send().await.is(409);
    assert_eq!(answer.body["errors"][0]["reason"], "status_refuses");
    assert_eq!(case.get("/v1/clusters/c").send().await.body["status"], "DELETE_IN_PROGRESS");
}

// Covers: R132.
#[tokio::test]
async fn groups_are_filtered_by_role_page_by_page() {
    let case = case().await;
    case.post(GROUPS, &json!({"name": "a"})).send().await.is(202);
    let mut path = format!("{GROUPS}/?limit=1&role=worker&sort_key=name&sort_dir=asc");
    let mut names = Vec::new();
    loop {
        let page = case.get(&path).send().await.is(200).body;
        names.extend(page["nodegroups"].as_array().unwrap().iter().map(|group| group["name"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        assert!(next.contains("role=worker") && next.contains("limit=1"), "{next}");
        path = next.strip_prefix("http://api.example:9511").unwrap().to_owned();
    }
    assert_eq!(names, [json!("a"), json!("default-worker")]);
    for bad in ["sort_key=nope", "sort_key=node_addresses", "limit=0", "nope=1", "role=a&role=b"] {
        case.get(&format!("{GROUPS}?{bad}")).send().await.is(400);
    }
    for sort_key in ["id", "uuid", "node_count", "min_node_count", "created_at", "status", "role"] {
        case.get(&format!("{GROUPS}?sort_key={sort_key}")).send().await.is(200);
    }
}
