use serde_json::{Map, Value, json};

use super::Case;

fn patch(op: &str, path: &str, value: Value) -> Value {
    let operation = [("op", json!(op)), ("path", json!(path)), ("value", value)];
    json!([operation.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>()])
}

#[tokio::test]
async fn a_template_has_all_attributes_and_defaults() {
    let case = Case::new().await;
    // As the stock command line sends it.
    let body = json!({
        "name": "t", "coe": "kubernetes", "image_id": "debian-13", "labels": {}, "tls_disabled": false, "public": false,
        "registry_enabled": "no", "master_lb_enabled": false, "dns_nameserver": "8.8.8.8", "flavor_id": "m1.medium",
        "docker_storage_driver": "overlay2", "server_type": "vm", "master_flavor_id": null, "keypair_id": null,
        "docker_volume_size": "5", "fixed_network": null,
    });
    let answer = case.post("/v1/clustertemplates", &body).send().await.is(201);
    assert_eq!(
        answer.headers["location"],
        format!("http://api.example:9511/v1/clustertemplates/{}", answer.uuid()).as_str()
    );
    let template = case.get("/v1/clustertemplates/t").send().await.is(200).body;
    assert_eq!(template, answer.body);
    assert_eq!(template["network_driver"], "flannel");
    assert_eq!(template["docker_volume_size"], 5);
    assert_eq!(
        (template["floating_ip_enabled"].as_bool(), template["registry_enabled"].as_bool()),
        (Some(true), Some(false))
    );
    assert_eq!(template.as_object().unwrap().len(), 36);
    let model = case.call("GET", "/v1/baymodels/t").token("member").version(10).send().await.is(200).body;
    assert_eq!(model.as_object().unwrap().len(), 33);
    assert!(model["links"][0]["href"].as_str().unwrap().contains("/v1/baymodels/"));
}

#[tokio::test]
async fn a_uuid_may_be_chosen_once_and_names_are_made() {
    let case = Case::new().await;
    let uuid = uuid::Uuid::new_v4().to_string();
    let body = json!({"uuid": uuid, "coe": "swarm", "image_id": "i"});
    let first = case.post("/v1/clustertemplates", &body).send().await.is(201);
    assert_eq!(first.uuid(), uuid);
    assert!(first.body["name"].as_str().unwrap().ends_with("-template"));
    case.post("/v1/clustertemplates", &body).send().await.is(409);
}

#[tokio::test]
async fn patches_change_templates_and_are_validated() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let path = "/v1/clustertemplates/t";
    let answer = case.patch(path, &patch("replace", "/labels", json!("{'etcd_tag': 'b'}"))).send().await.is(200);
    assert_eq!(answer.body["labels"], json!({"etcd_tag": "b"}));
    assert!(answer.body["updated_at"].is_string());
    case.patch(path, &patch("add", "/labels/coredns_tag", json!("d"))).send().await.is(200);
    case.patch(path, &patch("remove", "/labels/etcd_tag", json!(null))).send().await.is(200);
    case.patch(path, &patch("replace", "/docker_volume_size", json!("7"))).send().await.is(200);
    case.patch(path, &patch("remove", "/keypair_id", json!(null))).send().await.is(200);
    let template = case.get(path).send().await.body;
    assert_eq!((&template["labels"], &template["docker_volume_size"]), (&json!({"coredns_tag": "d"}), &json!(7)));
    assert!(template["keypair_id"].is_null());
    for bad in [
        patch("replace", "/coe", json!("nope")),
        patch("replace", "/image_id", json!("missing")),
        patch("remove", "/image_id", json!(null)),
        patch("replace", "/network_driver", json!("nope")),
        patch("replace", "/uuid", json!("x")),
        patch("replace", "/nope", json!("x")),
        patch("replace", "/docker_volume_size", json!(0)),
    ] {
        case.patch(path, &bad).send().await.is(400);
    }
    assert_eq!(case.get(path).send().await.body, template, "nothing was changed");
}

#[tokio::test]
async fn a_template_in_use_is_protected() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.cluster("c", "t").await;
    let path = "/v1/clustertemplates/t";
    case.delete(path).send().await.is(400);
    case.patch(path, &patch("replace", "/flavor_id", json!("m1.small"))).send().await.is(400);
    case.patch(path, &patch("replace", "/tags", json!("x"))).send().await.is(200);
    let both = json!([
        {"op": "replace", "path": "/tags", "value": "y"},
        {"op": "replace", "path": "/name", "value": "y"},
    ]);
    case.patch(path, &both).send().await.is(400);
    case.patch(path, &json!([])).send().await.is(200);
    let admin = |body: Value| case.call("PATCH", path).token("admin").latest().json(&body).send();
    admin(patch("replace", "/public", json!(true))).await.is(200);
    admin(patch("replace", "/public", json!(false))).await.is(400);
    admin(patch("replace", "/hidden", json!(true))).await.is(200);
}

#[tokio::test]
async fn public_templates_are_for_all_and_hidden_ones_for_no_new_clusters() {
    let case = Case::new().await;
    let body = json!({"name": "t", "coe": "kubernetes", "image_id": "i", "public": true});
    case.post("/v1/clustertemplates", &body).send().await.is(403);
    let admin = |method: &'static str, path: &'static str, body: Value| {
        case.call(method, path).token("admin").latest().json(&body).send()
    };
    admin("POST", "/v1/clustertemplates", body).await.is(201);
    let path = "/v1/clustertemplates/t";
    case.call("GET", path).token("nobody").send().await.is(200);
    assert_eq!(case.get("/v1/clustertemplates").send().await.body["clustertemplates"].as_array().unwrap().len(), 1);
    case.patch(path, &patch("replace", "/name", json!("mine"))).send().await.is(403);
    case.delete(path).send().await.is(403);
    case.cluster("c", "t").await;
    admin("PATCH", path, patch("replace", "/hidden", json!(true))).await.is(200);
    case.get(path).send().await.is(404);

    case.template("own", "kubernetes").await;
    case.patch("/v1/clustertemplates/own", &patch("replace", "/hidden", json!(true))).send().await.is(403);
    admin("PATCH", "/v1/clustertemplates/own", patch("replace", "/hidden", json!(true))).await.is(200);
    case.get("/v1/clustertemplates/own").send().await.is(200);
    let answer = case.post("/v1/clusters", &json!({"cluster_template_id": "own"})).send().await.is(403);
    assert_eq!(answer.body["errors"][0]["reason"], "template_hidden");
}
