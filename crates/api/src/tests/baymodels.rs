//! Baymodels: cluster templates by the names of 2015.

use serde_json::{Value, json};

use super::{Answer, Case};

const MODELS: &str = "/v1/baymodels";

fn body(changes: Value) -> Value {
    let mut body = json!({"name": "m", "coe": "kubernetes", "image_id": "debian-13", "keypair_id": "k"});
    let Value::Object(changes) = changes else { panic!("no object") };
    for (name, value) in changes {
        body[name] = value;
    }
    body
}

async fn send(case: &Case, version: u16, method: &str, path: &str, body: Option<Value>) -> Answer {
    let call = case.call(method, path).token("member").version(version);
    let call = if let Some(body) = body { call.json(&body) } else { call };
    call.send().await
}

// Covers: R069, R070, R071, R072, R073, R074, W026, W028, W041, W043.
#[tokio::test]
async fn baymodels_live_in_every_microversion_that_has_them() {
    let case = Case::new().await;
    let by_name = "/v1/baymodels/m";
    for version in 1..=10 {
        let made = send(&case, version, "POST", MODELS, Some(body(json!({})))).await.is(201);
        let by_id = format!("{MODELS}/{}", made.uuid());
        assert_eq!(made.headers["location"], format!("http://api.example:9511{by_id}").as_str());
        assert_eq!(made.body["links"][0]["href"], format!("http://api.example:9511{by_id}"));
        for hidden in ["driver", "project_id", "user_id"] {
            assert!(made.body.get(hidden).is_none(), "{hidden}");
        }
        for list in [MODELS, "/v1/baymodels/detail"] {
            let list = send(&case, version, "GET", list, None).await.is(200).body;
            assert_eq!(list["baymodels"], json!([made.body]));
        }
        for path in [by_name, &by_id] {
            assert_eq!(send(&case, version, "GET", path, None).await.is(200).body["uuid"], made.body["uuid"]);
            let proxy = json!(format!("http://proxy{path}"));
            let change = json!([{"op": "replace", "path": "/http_proxy", "value": proxy}]);
            let changed = send(&case, version, "PATCH", path, Some(change)).await.is(200).body;
            assert_eq!((&changed["http_proxy"], &changed["uuid"]), (&proxy, &made.body["uuid"]));
        }
        let path = if version % 2 == 0 { by_name } else { &by_id };
        send(&case, version, "DELETE", path, None).await.is(204);
        send(&case, version, "GET", path, None).await.is(404);
    }
}

// Covers: W029, W038, W039.
#[tokio::test]
async fn every_option_comes_back() {
    let case = Case::new().await;
    let all = body(json!({
        "flavor_id": "m1.small", "master_flavor_id": "m1.large", "external_network_id": "public",
        "fixed_network": "net", "dns_nameserver": "8.8.8.8", "apiserver_port": 8443, "docker_volume_size": 5,
        "network_driver": "flannel", "volume_driver": "cinder", "http_proxy": "http://p:1", "https_proxy": "http://p:2",
        "no_proxy": "localhost", "labels": {"etcd_tag": "1", "coredns_tag": "2"}, "tls_disabled": true,
        "registry_enabled": "yes", "server_type": "vm",
    }));
    let made = send(&case, 1, "POST", MODELS, Some(all.clone())).await.is(201).body;
    let shown = send(&case, 1, "GET", "/v1/baymodels/m", None).await.is(200).body;
    for (name, value) in all.as_object().unwrap() {
        let expected = if name == "registry_enabled" { &json!(true) } else { value };
        assert_eq!((&made[name], &shown[name]), (expected, expected), "{name}");
    }
    let labels = json!({"name": "n", "labels": {"etcd_tag": 3, "use_podman": true}});
    let made = send(&case, 1, "POST", MODELS, Some(body(labels))).await.is(201).body;
    assert_eq!(made["labels"], json!({"etcd_tag": "3", "use_podman": "True"}));
}

// Covers: R343, W030, W031, W037.
#[tokio::test]
async fn what_a_baymodel_cannot_be_is_refused_by_name() {
    let case = Case::new().await;
    for required in ["coe", "image_id", "keypair_id"] {
        for value in [None, Some(Value::Null)] {
            let mut body = body(json!({}));
            body.as_object_mut().unwrap().remove(required);
            if let Some(value) = value {
                body[required] = value;
            }
            assert_eq!(send(&case, 10, "POST", MODELS, Some(body)).await.is(400).field(), required);
        }
    }
    for (field, value) in [
        ("apiserver_port", json!(80)),
        ("docker_volume_size", json!(0)),
        ("dns_nameserver", json!("8.8")),
        ("dns_nameserver", json!("8.8.8.8,1.1.1.1")),
        ("name", json!("")),
        ("name", json!("x".repeat(256))),
        ("coe", json!("nope")),
        ("network_driver", json!("libnetwork")),
        ("volume_driver", json!("rexray")),
        ("driver", json!("simulated")),
    ] {
        let answer = send(&case, 1, "POST", MODELS, Some(body(json!({field: value})))).await.is(400);
        assert_eq!(answer.field(), field, "{value}");
    }
    for (coe, network, volume) in [("kubernetes", "flannel", "cinder"), ("swarm", "docker", "rexray")] {
        let made =
            send(&case, 1, "POST", MODELS, Some(body(json!({"coe": coe, "volume_driver": volume})))).await.is(201);
        assert_eq!((&made.body["network_driver"], &made.body["volume_driver"]), (&json!(network), &json!(volume)));
        for (driver, wrong) in [("volume_driver", "nfs"), ("network_driver", "libnetwork")] {
            let wrong = json!({"coe": coe, driver: wrong});
            assert_eq!(send(&case, 1, "POST", MODELS, Some(body(wrong))).await.is(400).field(), driver);
        }
    }
    // The keypair cannot be removed either, unlike that of a cluster template.
    let remove = json!([{"op": "remove", "path": "/keypair_id"}]);
    let uuid = send(&case, 1, "GET", MODELS, None).await.body["baymodels"][0]["uuid"].clone();
    let path = format!("{MODELS}/{}", uuid.as_str().unwrap());
    send(&case, 1, "PATCH", &path, Some(remove)).await.is(400);
}

// Covers: W028.
#[tokio::test]
async fn what_the_first_clients_send_makes_a_baymodel() {
    let case = Case::new().await;
    // As python-magnumclient 0.2.1 writes it for the four options that are required.
    let sent = r#"{"ssh_authorized_key": null, "name": null, "image_id": "debian-13", "fixed_network": null,
        "docker_volume_size": null, "external_network_id": "public", "dns_nameserver": "8.8.8.8",
        "master_flavor_id": null, "flavor_id": "m1.medium", "keypair_id": "k", "coe": "kubernetes"}"#;
    let post = |body: &str| {
        let call = case.call("POST", MODELS).token("member").header("content-type", "application/json").raw(body);
        async move { call.send().await }
    };
    let made = post(sent).await.is(201);
    assert!(made.body["name"].as_str().unwrap().ends_with("-model"));
    assert_eq!((&made.body["keypair_id"], &made.body["flavor_id"]), (&json!("k"), &json!("m1.medium")));
    for (key, status) in [("\"ssh-rsa AAAA me@here\"", 201), ("\"\"", 400), ("1", 400)] {
        let body = sent.replace("\"ssh_authorized_key\": null", &format!("\"ssh_authorized_key\": {key}"));
        let answer = post(&body).await.is(status);
        assert!(answer.body.get("ssh_authorized_key").is_none(), "nodes have no use for it");
        assert!(status == 201 || answer.field() == "ssh_authorized_key", "{}", answer.body);
    }
    // Today's templates never had it.
    let today = json!({"coe": "kubernetes", "image_id": "debian-13", "ssh_authorized_key": null});
    let answer = case.post("/v1/clustertemplates", &today).send().await.is(400);
    assert_eq!(answer.field(), "ssh_authorized_key");
}

// Covers: W041.
#[tokio::test]
async fn a_baymodel_keeps_what_only_cluster_templates_may_be() {
    let case = Case::new().await;
    let template =
        json!({"name": "t", "coe": "kubernetes", "image_id": "debian-13", "dns_nameserver": "8.8.8.8,1.1.1.1"});
    let uuid = case.post("/v1/clustertemplates", &template).send().await.is(201).uuid();
    for (ident, version) in [("t", 1), (uuid.as_str(), 10)] {
        let path = format!("{MODELS}/{ident}");
        let patch = |operation: Value| send(&case, version, "PATCH", &path, Some(json!([operation])));
        let proxy = json!({"op": "replace", "path": "/http_proxy", "value": ident});
        let changed = patch(proxy).await.is(200).body;
        assert_eq!((&changed["http_proxy"], &changed["keypair_id"]), (&json!(ident), &Value::Null));
        assert_eq!(changed["dns_nameserver"], "8.8.8.8,1.1.1.1");
        let none = json!({"op": "remove", "path": "/keypair_id"});
        assert_eq!(patch(none).await.is(400).field(), "keypair_id");
        let other = json!({"op": "replace", "path": "/dns_nameserver", "value": "9.9.9.9,1.1.1.1"});
        assert_eq!(patch(other).await.is(400).field(), "dns_nameserver");
    }
    let path = format!("{MODELS}/{uuid}");
    let keypair = json!([{"op": "add", "path": "/keypair_id", "value": "k"}]);
    assert_eq!(send(&case, 1, "PATCH", &path, Some(keypair)).await.is(200).body["keypair_id"], "k");
    // From now on it has one.
    let none = json!([{"op": "remove", "path": "/keypair_id"}]);
    assert_eq!(send(&case, 1, "PATCH", &path, Some(none)).await.is(400).field(), "keypair_id");
}
