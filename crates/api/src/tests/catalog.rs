//! What templates, clusters and node groups name at the infrastructure. In the simulated cloud a name with the prefix
//! `missing`, `twin`, `forbidden`, `plain` or `internal` behaves accordingly.

use serde_json::{Value, json};

use super::Case;

/// A name and the response: the attribute, its value, status and reason.
type Named = (&'static str, &'static str, u16, &'static str);

const OF_BOTH: [Named; 8] = [
    ("flavor_id", "m1.huge", 400, "flavor_unknown"),
    ("master_flavor_id", "m1.huge", 400, "flavor_unknown"),
    ("flavor_id", "m1.diskless", 400, "invalid_input"),
    ("master_flavor_id", "m1.diskless", 400, "invalid_input"),
    ("fixed_network", "missing-net", 400, "network_unknown"),
    ("fixed_subnet", "missing-net", 400, "subnet_unknown"),
    ("fixed_network", "twins", 409, "network_ambiguous"),
    ("fixed_subnet", "twins", 409, "subnet_ambiguous"),
];

const OF_TEMPLATES: [Named; 7] = [
    ("image_id", "missing", 400, "image_unknown"),
    ("image_id", "plain-image", 400, "invalid_input"),
    ("image_id", "twins", 409, "image_ambiguous"),
    ("image_id", "forbidden-image", 403, "image_forbidden"),
    ("external_network_id", "missing", 400, "external_network_unknown"),
    ("external_network_id", "internal-net", 400, "external_network_unknown"),
    ("external_network_id", "twins", 409, "external_network_ambiguous"),
];

fn template() -> Value {
    json!({"name": "t", "coe": "kubernetes", "image_id": "debian-13", "keypair_id": "k"})
}

async fn refuses(case: &Case, path: &str, mut body: Value, (field, value, status, reason): Named) {
    body[field] = json!(value);
    let answer = case.call("POST", path).token("member").version(10).json(&body).send().await;
    assert_eq!(answer.status, status, "{path} {field} {value}: {}", answer.body);
    assert_eq!(answer.field(), field, "{value}");
    assert_eq!(answer.body["errors"][0]["reason"], reason, "{field} {value}");
}

// Covers: R160, R161, R162, R163, R164, R165, R166, W033, W034.
#[tokio::test]
async fn templates_name_what_is_there() {
    let case = Case::new().await;
    for named in OF_TEMPLATES.into_iter().chain(OF_BOTH) {
        refuses(&case, "/v1/clustertemplates", template(), named).await;
        refuses(&case, "/v1/baymodels", template(), named).await;
    }
    // The keypair is always checked for baymodels, never for templates.
    let missing = ("keypair_id", "missing-key", 404, "keypair_unknown");
    refuses(&case, "/v1/baymodels", template(), missing).await;
    assert_eq!(case.get("/v1/clustertemplates").send().await.body["clustertemplates"], json!([]));
    // The existing flavors, in the printed title.
    let mut body = template();
    body["flavor_id"] = json!("m1.smal");
    let answer = case.post("/v1/clustertemplates", &body).send().await.is(400);
    assert!(answer.body["errors"][0]["detail"].as_str().unwrap().contains("m1.small"), "{}", answer.body);

    case.post("/v1/clustertemplates", &template()).send().await.is(201);
    for (field, value, status, _) in OF_TEMPLATES.into_iter().chain(OF_BOTH) {
        let patch = json!([{"op": "replace", "path": format!("/{field}"), "value": value}]);
        let answer = case.patch("/v1/clustertemplates/t", &patch).send().await.is(status);
        assert_eq!(answer.field(), field);
    }
}

// Covers: R167, R169.
#[tokio::test]
async fn a_flavor_without_a_disk_will_do_for_machines_that_boot_from_volumes() {
    let case = Case::new().await;
    let mut body = template();
    body["flavor_id"] = json!("m1.diskless");
    body["master_flavor_id"] = Value::Null;
    for (size, status) in [("0", 400), ("10", 201)] {
        body["labels"] = json!({"boot_volume_size": size});
        case.post("/v1/clustertemplates", &body).send().await.is(status);
    }
    case.post("/v1/clusters", &json!({"cluster_template_id": "t"})).send().await.is(202);
    let replaced = json!({"cluster_template_id": "t", "labels": {"etcd_tag": "1"}});
    assert_eq!(case.post("/v1/clusters", &replaced).send().await.is(400).field(), "flavor_id");
}

// Covers: R175, W035.
#[tokio::test]
async fn the_distribution_is_the_images() {
    let case = Case::new().await;
    let mut body = template();
    body["cluster_distro"] = json!("windows");
    body["image_id"] = json!("ubuntu-22.04");
    let answer = case.post("/v1/clustertemplates", &body).send().await.is(201);
    assert_eq!(answer.body["cluster_distro"], "ubuntu");
    let patch = json!([{"op": "replace", "path": "/image_id", "value": "flatcar-stable"}]);
    let answer = case.patch("/v1/clustertemplates/t", &patch).send().await.is(200);
    assert_eq!(answer.body["cluster_distro"], "flatcar");
}

// Covers: R205, R206.
#[tokio::test]
async fn clusters_name_what_is_there() {
    let case = Case::new().await;
    case.post("/v1/clustertemplates", &template()).send().await.is(201);
    let body = json!({"name": "c", "cluster_template_id": "t"});
    for named in OF_BOTH.into_iter().chain([("keypair", "missing-key", 404, "keypair_unknown")]) {
        refuses(&case, "/v1/clusters", body.clone(), named).await;
    }
    assert_eq!(case.get("/v1/clusters").send().await.body["clusters"], json!([]));
}

#[tokio::test]
async fn node_groups_name_what_is_there() {
    let case = Case::new().await;
    case.post("/v1/clustertemplates", &template()).send().await.is(201);
    let uuid = case.living_cluster("c", "t").await;
    let path = format!("/v1/clusters/{uuid}/nodegroups");
    let body = json!({"name": "more"});
    for named in [
        ("flavor_id", "m1.huge", 400, "flavor_unknown"),
        ("flavor_id", "m1.diskless", 400, "invalid_input"),
        ("image_id", "missing", 400, "image_unknown"),
        ("image_id", "plain", 400, "invalid_input"),
    ] {
        refuses(&case, &path, body.clone(), named).await;
    }
    for (name, value) in [("kubetag", "v1.37.2"), ("kube_tag", "v1.36.3"), ("flannel_backend", "vxlan")] {
        let answer = case.post(&path, &json!({"name": "more", "labels": {name: value}})).send().await.is(400);
        assert_eq!(answer.field(), format!("labels.{name}"));
    }
    let group = json!({"name": "more", "flavor_id": "m1.large", "labels": {"boot_volume_size": "20"}});
    let answer = case.post(&path, &group).send().await.is(202);
    assert_eq!(answer.body["flavor_id"], "m1.large");
}
