//! Creating and reading clusters, rule by rule.

use jeroboam_store::{ClusterFacts, Outcome};
use serde_json::{Value, json};

use super::{Answer, Case};

const CLUSTERS: &str = "/v1/clusters";

async fn case() -> Case {
    let case = Case::new().await;
    let body = json!({"name": "t", "coe": "kubernetes", "image_id": "debian-13", "keypair_id": "k",
        "flavor_id": "m1.small", "master_flavor_id": "m1.large", "docker_volume_size": 7, "fixed_network": "net",
        "fixed_subnet": "sub", "floating_ip_enabled": false, "labels": {"etcd_tag": "1", "min_node_count": "1"}});
    case.post("/v1/clustertemplates", &body).send().await.is(201);
    case
}

async fn make(case: &Case, changes: Value) -> Answer {
    let mut body = json!({"name": "c", "cluster_template_id": "t"});
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    case.post(CLUSTERS, &body).send().await
}

async fn show(case: &Case, ident: &str) -> Value {
    case.get(&format!("{CLUSTERS}/{ident}")).send().await.is(200).body
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// In lists.
const SUMMARY: &str = "cluster_id cluster_template_id create_timeout docker_volume_size flavor_id health_status keypair \
    labels links master_count master_flavor_id merge_labels name node_count stack_id status uuid";
/// In full.
const FULL: &str = "api_address cluster_id cluster_template_id coe_version container_version create_timeout created_at \
    discovery_url docker_volume_size fixed_network fixed_subnet flavor_id floating_ip_enabled health_status \
    health_status_reason keypair labels labels_added labels_overridden labels_skipped links master_addresses \
    master_count master_flavor_id master_lb_enabled merge_labels name node_addresses node_count project_id stack_id \
    status status_reason updated_at user_id uuid";
/// Bays in lists.
const BAY_SUMMARY: &str = "bay_create_timeout baymodel_id docker_volume_size flavor_id floating_ip_enabled labels links \
    master_count master_flavor_id name node_count stack_id status uuid";
/// Bays in full.
const BAY: &str = "api_address bay_create_timeout baymodel_id coe_version container_version created_at discovery_url \
    docker_volume_size fixed_network fixed_subnet flavor_id floating_ip_enabled labels links master_addresses \
    master_count master_flavor_id master_lb_enabled name node_addresses node_count stack_id status status_reason \
    updated_at uuid";

// Covers: R013, R014, R015, R016, R017, R018, R060, R061, R192, R225.
#[tokio::test]
async fn each_form_has_its_attributes_in_every_microversion() {
    let case = case().await;
    make(&case, json!({})).await.is(202);
    let words = |text: &'static str| text.split_whitespace().collect::<Vec<_>>();
    for version in 1..=14 {
        let get = |path: &str| case.call("GET", path).token("member").version(version).send();
        let list = get(CLUSTERS).await.is(200).body;
        assert_eq!(keys(&list["clusters"][0]), words(SUMMARY), "1.{version}");
        let detail = get("/v1/clusters/detail").await.is(200).body;
        assert_eq!(keys(&detail["clusters"][0]), words(FULL), "1.{version}");
        let one = get("/v1/clusters/c").await.is(200).body;
        assert_eq!(keys(&one), words(FULL), "1.{version}");
        // Clients that request the latest version and read the old name find it (Appendix A29).
        assert_eq!(one["stack_id"], one["cluster_id"]);
        if version > 10 {
            continue;
        }
        assert_eq!(keys(&get("/v1/bays").await.is(200).body["bays"][0]), words(BAY_SUMMARY), "1.{version}");
        assert_eq!(keys(&get("/v1/bays/detail").await.is(200).body["bays"][0]), words(BAY), "1.{version}");
        assert_eq!(keys(&get("/v1/bays/c").await.is(200).body), words(BAY), "1.{version}");
    }
}

// Covers: R195, R196, R201, R202, R209.
#[tokio::test]
async fn what_a_cluster_cannot_be_is_refused_by_name() {
    let case = case().await;
    for (field, value) in [
        ("cluster_template_id", Value::Null),
        ("name", json!("1a")),
        ("name", json!("a b")),
        ("name", json!("a".repeat(243))),
        ("node_count", json!(-1)),
        ("master_count", json!(0)),
        ("master_count", json!(2)),
        ("create_timeout", json!(-1)),
        ("docker_volume_size", json!(0)),
        ("stack_id", json!("x")),
        ("cluster_id", json!("x")),
        ("api_address", json!("x")),
        ("coe_version", json!("x")),
        ("container_version", json!("x")),
        ("node_addresses", json!([])),
        ("master_addresses", json!([])),
        ("links", json!([])),
        ("image_id", json!("x")),
        ("public", json!(true)),
        ("network_driver", json!("flannel")),
    ] {
        assert_eq!(make(&case, json!({field: value})).await.is(400).field(), field, "{value}");
    }
    assert_eq!(case.get(CLUSTERS).send().await.body["clusters"], json!([]));
    let answer = case.post(CLUSTERS, &json!({"name": "c"})).send().await.is(400);
    assert_eq!(answer.field(), "cluster_template_id");
}

// Covers: R021, R198, R199, R200, R204, R210, R211, R212, R217, R218, R223.
#[tokio::test]
async fn what_is_not_given_is_filled_in() {
    let case = case().await;
    let answer = case.post(CLUSTERS, &json!({"cluster_template_id": "t"})).send().await.is(202);
    let cluster = show(&case, &answer.uuid()).await;
    assert!(cluster["name"].as_str().unwrap().ends_with("-cluster"));
    assert_eq!((&cluster["node_count"], &cluster["master_count"]), (&json!(1), &json!(1)));
    assert_eq!((&cluster["create_timeout"], &cluster["discovery_url"]), (&json!(60), &Value::Null));
    assert_eq!((&cluster["health_status"], &cluster["health_status_reason"]), (&Value::Null, &json!({})));
    assert!(cluster["cluster_template_id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    let nulls = json!({"master_count": null, "node_count": null, "create_timeout": null, "discovery_url": "",
        "merge_labels": true, "labels": {"coredns_tag": null}, "floating_ip_enabled": null, "keypair": null});
    let first = make(&case, nulls.clone()).await.is(202).uuid();
    let second = make(&case, nulls).await.is(202).uuid();
    assert_ne!(first, second, "two may have one name");
    let cluster = show(&case, &first).await;
    assert_eq!((&cluster["master_count"], &cluster["node_count"]), (&json!(1), &json!(1)));
    assert_eq!((&cluster["create_timeout"], &cluster["discovery_url"]), (&Value::Null, &json!("")));
    assert_eq!((&cluster["merge_labels"], &cluster["floating_ip_enabled"]), (&json!(false), &json!(false)));
    assert!(cluster["labels"].get("coredns_tag").is_none());

    for (version, status) in [(1, 400), (9, 400), (10, 202), (14, 202)] {
        let body = json!({"name": format!("none{version}"), "cluster_template_id": "t", "node_count": 0});
        case.call("POST", CLUSTERS).token("member").version(version).json(&body).send().await.is(status);
    }
    let group = case.get("/v1/clusters/none10/nodegroups/default-worker").send().await.is(200).body;
    assert_eq!((&group["node_count"], &show(&case, "none10").await["node_count"]), (&json!(0), &json!(0)));
}

// Covers: R213, R219, R220.
#[tokio::test]
async fn what_the_template_says_holds_unless_the_cluster_says_otherwise() {
    let case = case().await;
    make(&case, json!({"node_count": 2})).await.is(202);
    let cluster = show(&case, "c").await;
    for (name, value) in [
        ("keypair", json!("k")),
        ("flavor_id", json!("m1.small")),
        ("master_flavor_id", json!("m1.large")),
        ("docker_volume_size", json!(7)),
        ("fixed_network", json!("net")),
        ("fixed_subnet", json!("sub")),
        ("floating_ip_enabled", json!(false)),
        ("master_lb_enabled", json!(false)),
        ("labels", json!({"etcd_tag": "1", "min_node_count": "1"})),
    ] {
        assert_eq!(cluster[name], value, "{name}");
    }
    let own = json!({"name": "own", "keypair": "l", "flavor_id": "m1.medium", "master_flavor_id": "m1.small",
        "docker_volume_size": 8, "fixed_network": "other", "fixed_subnet": "other", "floating_ip_enabled": true,
        "master_lb_enabled": true, "labels": {"coredns_tag": "2"}});
    make(&case, own.clone()).await.is(202);
    let cluster = show(&case, "own").await;
    for (name, value) in own.as_object().unwrap() {
        assert_eq!(cluster[name], *value, "{name}");
    }
    for (group, flavor, count, min) in [("default-master", "m1.large", 1, 0), ("default-worker", "m1.small", 2, 1)] {
        let group = case.get(&format!("/v1/clusters/c/nodegroups/{group}")).send().await.is(200).body;
        assert_eq!((&group["flavor_id"], &group["node_count"]), (&json!(flavor), &json!(count)));
        assert_eq!((&group["min_node_count"], &group["image_id"]), (&json!(min), &json!("debian-13")));
        assert_eq!((&group["is_default"], &group["docker_volume_size"]), (&json!(true), &json!(7)));
        assert_eq!(group["status"], "CREATE_IN_PROGRESS");
    }
}

// Covers: R208.
#[tokio::test]
async fn hidden_templates_make_clusters_for_admins_only() {
    let case = case().await;
    let patch = json!([{"op": "replace", "path": "/hidden", "value": true}]);
    let call = case.call("PATCH", "/v1/clustertemplates/t").token("admin").latest();
    call.json(&patch).send().await.is(200);
    assert_eq!(make(&case, json!({})).await.is(403).body["errors"][0]["reason"], "template_hidden");
    let call = case.call("POST", CLUSTERS).token("admin").latest();
    call.json(&json!({"name": "c", "cluster_template_id": "t"})).send().await.is(202);
}

// Covers: R224, R234, R241, R257.
#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let case = case().await;
    let path = "/v1/clusters/nope";
    case.get(path).send().await.is(404);
    case.patch(path, &json!([])).send().await.is(404);
    case.delete(path).send().await.is(404);
    case.post(&format!("{path}/actions/resize"), &json!({"node_count": 1})).send().await.is(404);
    case.post(&format!("{path}/actions/upgrade"), &json!({"cluster_template": "t"})).send().await.is(404);
    make(&case, json!({})).await.is(202);
    case.end(Outcome::Succeeded { facts: ClusterFacts::default() }).await;
    let body = json!({"node_count": 1, "nodegroup": "nope"});
    case.post("/v1/clusters/c/actions/resize", &body).send().await.is(404);
}

#[tokio::test]
async fn nobody_looks_at_the_discovery_url() {
    let case = case().await;
    for (length, status) in [(300, 202), (8000, 202), (8001, 400)] {
        let url = "é".repeat(length);
        let body = json!({"name": format!("c{length}"), "discovery_url": url});
        let answer = make(&case, body).await.is(status);
        if status == 202 {
            assert_eq!(show(&case, &format!("c{length}")).await["discovery_url"], url);
        } else {
            assert_eq!(answer.field(), "discovery_url");
        }
    }
}

#[tokio::test]
async fn a_cluster_needs_machines_with_its_templates_operating_system() {
    let case = case().await;
    let distro = |name: &str| json!([{"op": "replace", "path": "/cluster_distro", "value": name}]);
    case.patch("/v1/clustertemplates/t", &distro("whatever")).send().await.is(200);
    let answer = make(&case, json!({})).await.is(400);
    assert_eq!(answer.field(), "cluster_template_id");
    let detail = answer.body["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("has no vm with whatever for kubernetes"), "{detail}");
    let bay = json!({"name": "b", "baymodel_id": "t"});
    let answer = case.call("POST", "/v1/bays").token("member").version(1).json(&bay).send().await.is(400);
    assert_eq!(answer.field(), "baymodel_id");
    assert_eq!(case.get(CLUSTERS).send().await.body["clusters"], json!([]));
    case.patch("/v1/clustertemplates/t", &distro("debian")).send().await.is(200);
    make(&case, json!({})).await.is(202);
}

#[tokio::test]
async fn a_label_keeps_all_its_digits() {
    let case = case().await;
    let post = |labels: &str| {
        let body = format!(r#"{{"name": "c", "cluster_template_id": "t", "labels": {{"etcd_tag": {labels}}}}}"#);
        let call = case.call("POST", CLUSTERS).token("member").latest().header("content-type", "application/json");
        let call = call.raw(&body);
        async move { call.send().await }
    };
    assert_eq!(post("12345678901234567890123").await.is(400).field(), "labels.etcd_tag");
    post("1234567890123456789").await.is(202);
    assert_eq!(show(&case, "c").await["labels"]["etcd_tag"], "1234567890123456789");
    // In a patch they are strings already.
    let patch = json!([{"op": "replace", "path": "/labels", "value": "{'etcd_tag': 12345678901234567890123}"}]);
    let path = "/v1/clustertemplates/u";
    let template = json!({"name": "u", "coe": "kubernetes", "image_id": "debian-13"});
    case.post("/v1/clustertemplates", &template).send().await.is(201);
    let changed = case.patch(path, &patch).send().await.is(200).body;
    assert_eq!(changed["labels"]["etcd_tag"], "12345678901234567890123");
}
