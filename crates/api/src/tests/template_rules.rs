//! Cluster templates, rule by rule.

use serde_json::{Value, json};

use super::{Answer, Case};

const TEMPLATES: &str = "/v1/clustertemplates";

fn body(changes: Value) -> Value {
    let mut body = json!({"name": "t", "coe": "kubernetes", "image_id": "debian-13"});
    let Value::Object(changes) = changes else { panic!("no object") };
    for (name, value) in changes {
        body[name] = value;
    }
    body
}

async fn make(case: &Case, changes: Value) -> Answer {
    case.post(TEMPLATES, &body(changes)).send().await
}

fn replace(path: &str, value: Value) -> Value {
    let mut operation = json!({"op": "replace", "path": path});
    operation["value"] = value;
    json!([operation])
}

const ATTRIBUTES: [&str; 36] = [
    "apiserver_port",
    "cluster_distro",
    "coe",
    "created_at",
    "dns_nameserver",
    "docker_storage_driver",
    "docker_volume_size",
    "driver",
    "external_network_id",
    "fixed_network",
    "fixed_subnet",
    "flavor_id",
    "floating_ip_enabled",
    "hidden",
    "http_proxy",
    "https_proxy",
    "image_id",
    "insecure_registry",
    "keypair_id",
    "labels",
    "links",
    "master_flavor_id",
    "master_lb_enabled",
    "name",
    "network_driver",
    "no_proxy",
    "project_id",
    "public",
    "registry_enabled",
    "server_type",
    "tags",
    "tls_disabled",
    "updated_at",
    "user_id",
    "uuid",
    "volume_driver",
];

// Covers: R006, R007, R008, R010, R011, R012.
#[tokio::test]
async fn templates_live_the_same_in_every_microversion() {
    let case = Case::new().await;
    for version in 1..=14 {
        let call = |method: &'static str, path: &str| case.call(method, path).token("member").version(version);
        let made = call("POST", TEMPLATES).json(&body(json!({}))).send().await.is(201);
        let mut keys: Vec<&str> = made.body.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ATTRIBUTES, "1.{version}");
        let path = format!("{TEMPLATES}/{}", made.uuid());
        assert_eq!(made.headers["location"], format!("http://api.example:9511{path}").as_str());
        for list in [TEMPLATES.to_owned(), format!("{TEMPLATES}/detail")] {
            let list = call("GET", &list).send().await.is(200).body;
            assert_eq!(list["clustertemplates"], json!([made.body]), "1.{version}");
        }
        assert_eq!(call("GET", &path).send().await.is(200).body, made.body);
        let change = call("PATCH", &path).json(&replace("/tags", json!("x"))).send().await.is(200).body;
        assert_eq!((&change["tags"], change["updated_at"].is_string()), (&json!("x"), true));
        assert_eq!(call("GET", &path).send().await.is(200).body, change);
        let gone = call("DELETE", &path).send().await.is(204);
        assert!(gone.body.as_str().is_some_and(str::is_empty) && !gone.headers.contains_key("content-type"));
        call("GET", &path).send().await.is(404);
    }
}

// Covers: R154, R156, R157, R158, R171, R172, R178.
#[tokio::test]
async fn what_a_template_cannot_be_is_refused_by_name() {
    let case = Case::new().await;
    for (field, value) in [
        ("coe", Value::Null),
        ("coe", json!("mesos")),
        ("coe", json!("Kubernetes")),
        ("image_id", Value::Null),
        ("server_type", Value::Null),
        ("server_type", json!("bm")),
        ("network_driver", json!("cilium")),
        ("network_driver", json!("weave")),
        ("volume_driver", json!("rexray")),
        ("apiserver_port", json!(1023)),
        ("apiserver_port", json!(65536)),
        ("docker_volume_size", json!(0)),
        ("docker_volume_size", json!(16384)),
        ("driver", json!("heat")),
        ("dns_nameserver", json!("")),
        ("http_proxy", json!("ftp://proxy")),
        ("https_proxy", json!("http://pro xy")),
        ("no_proxy", json!("a\nB=c")),
        ("insecure_registry", json!("../../etc")),
    ] {
        assert_eq!(make(&case, json!({field: value})).await.is(400).field(), field, "{value}");
    }
    for missing in ["coe", "image_id"] {
        let mut body = body(json!({}));
        body.as_object_mut().unwrap().remove(missing);
        assert_eq!(case.post(TEMPLATES, &body).send().await.is(400).field(), missing);
    }
    let made = make(&case, json!({"driver": "simulated"})).await.is(201).body;
    assert_eq!(made["driver"], "simulated");
    assert_eq!(case.get(TEMPLATES).send().await.body["clustertemplates"].as_array().unwrap().len(), 1);
}

// Covers: R159, R170.
#[tokio::test]
async fn attributes_that_depend_on_each_other_must_fit() {
    let case = Case::new().await;
    for (changes, status) in [
        (json!({"docker_storage_driver": "devicemapper", "docker_volume_size": 2}), 400),
        (json!({"docker_storage_driver": "devicemapper"}), 400),
        (json!({"docker_storage_driver": "devicemapper", "docker_volume_size": 3}), 201),
        (json!({"docker_storage_driver": "overlay2"}), 201),
        (json!({"apiserver_port": 5000}), 201),
        (json!({"apiserver_port": 5000, "registry_enabled": true}), 400),
        (json!({"apiserver_port": 2379}), 400),
        (json!({"apiserver_port": 10250}), 400),
        (json!({"apiserver_port": 2377}), 201),
        (json!({"apiserver_port": 2377, "coe": "swarm"}), 400),
        (json!({"dns_nameserver": "8.8.8.8,1.1.1.1"}), 201),
        (json!({"dns_nameserver": "8.8.8.8, 1.1.1.1"}), 201),
        (json!({"dns_nameserver": "2001:4860:4860::8888"}), 400),
        (json!({"dns_nameserver": "8.8"}), 400),
        (json!({"dns_nameserver": "8.8.8.8,"}), 400),
    ] {
        let answer = make(&case, changes.clone()).await;
        assert_eq!(answer.status, status, "{changes}: {}", answer.body);
    }
}

// Covers: R173, R174, R176, R177, R179.
#[tokio::test]
async fn what_is_not_given_is_filled_in() {
    let case = Case::new().await;
    let made = make(&case, json!({"labels": null, "name": null})).await.is(201).body;
    assert_eq!(made["labels"], json!({}));
    assert_eq!(made["network_driver"], "flannel");
    assert_eq!(made["driver"], "simulated");
    assert!(made["name"].as_str().unwrap().ends_with("-template"));
    assert_eq!((&made["server_type"], &made["floating_ip_enabled"]), (&json!("vm"), &json!(true)));
    assert_eq!(
        (&made["public"], &made["hidden"], &made["tls_disabled"]),
        (&json!(false), &json!(false), &json!(false))
    );
    let uuid = uuid::Uuid::new_v4().to_string();
    assert_eq!(make(&case, json!({"uuid": uuid})).await.is(201).uuid(), uuid);
    make(&case, json!({"uuid": uuid})).await.is(409);
    make(&case, json!({"uuid": "no uuid"})).await.is(400);
}

// Covers: R180, R181, W040.
#[tokio::test]
async fn publishing_and_hiding_are_privileges() {
    let case = Case::new().await;
    for flag in ["public", "hidden"] {
        make(&case, json!({flag: true})).await.is(403);
        let call = case.call("POST", TEMPLATES).token("admin").latest();
        assert_eq!(call.json(&body(json!({flag: true}))).send().await.is(201).body[flag], true);
    }
    let mine = make(&case, json!({"name": "mine"})).await.is(201).uuid();
    let path = format!("{TEMPLATES}/{mine}");
    for flag in ["/public", "/hidden"] {
        case.patch(&path, &replace(flag, json!(true))).send().await.is(403);
        // Setting the current value is no change.
        case.patch(&path, &replace(flag, json!(false))).send().await.is(200);
    }
    let call = case.call("PATCH", &path).token("admin").latest();
    call.json(&replace("/public", json!(true))).send().await.is(200);
    for path in [path.as_str(), "/v1/baymodels/mine"] {
        let answer = case.call("GET", path).token("other").version(10).send().await.is(200);
        assert_eq!(answer.body["public"], true);
    }
}

// Covers: R182, R183, R184, R189, R190.
#[tokio::test]
async fn patches_are_checked_like_new_templates() {
    let case = Case::new().await;
    let uuid = make(&case, json!({})).await.is(201).uuid();
    let path = format!("{TEMPLATES}/{uuid}");
    for name in ["coe", "image_id", "public", "network_driver"] {
        case.patch(&path, &json!([{"op": "remove", "path": format!("/{name}")}])).send().await.is(400);
    }
    for (field, value) in [
        ("coe", json!("nope")),
        ("driver", json!("heat")),
        ("image_id", json!("missing")),
        ("flavor_id", json!("m1.nope")),
        ("network_driver", json!("weave")),
        ("volume_driver", json!("rexray")),
        ("dns_nameserver", json!("::1")),
        ("server_type", json!("bm")),
        ("apiserver_port", json!(80)),
        ("docker_storage_driver", json!("devicemapper")),
    ] {
        let answer = case.patch(&path, &replace(&format!("/{field}"), value)).send().await.is(400);
        assert!(answer.field() == field || field == "docker_storage_driver", "{field}: {}", answer.body);
    }
    // Its flavors are null.
    case.patch(&path, &replace("/name", json!("u"))).send().await.is(200);
    case.patch(&format!("{TEMPLATES}/nope"), &json!([])).send().await.is(404);
    case.delete(&format!("{TEMPLATES}/nope")).send().await.is(404);
    let call = case.call("PATCH", &path).token("admin").latest();
    let changed = call.json(&replace("/tags", json!("by admin"))).send().await.is(200).body;
    assert_eq!((&changed["tags"], &changed["project_id"]), (&json!("by admin"), &json!("p")));
}

// Covers: R185, R186, R187, R188, W042.
#[tokio::test]
async fn a_template_in_use_changes_only_in_what_its_clusters_cannot_notice() {
    let case = Case::new().await;
    let call = case.call("POST", TEMPLATES).token("admin").latest();
    let uuid = call.json(&body(json!({"public": true}))).send().await.is(201).uuid();
    let path = format!("{TEMPLATES}/{uuid}");
    // A cluster in another project than the template.
    case.cluster("c", &uuid).await;
    let patch = |operations: Value| case.call("PATCH", &path).token("admin").latest().json(&operations).send();
    let before = case.call("GET", &path).token("admin").send().await.body;
    for bad in [
        replace("/flavor_id", json!("m1.small")),
        replace("/labels", json!("{'etcd_tag': '1'}")),
        replace("/public", json!(false)),
        json!([{"op": "remove", "path": "/tags"}, {"op": "replace", "path": "/flavor_id", "value": "m1.small"}]),
        json!([
            {"op": "replace", "path": "/name", "value": "x"},
            {"op": "replace", "path": "/tags", "value": "y"},
        ]),
    ] {
        assert_eq!(patch(bad.clone()).await.is(400).body["errors"][0]["reason"], "in_use", "{bad}");
    }
    assert_eq!(case.call("GET", &path).token("admin").send().await.body, before);
    patch(json!([])).await.is(200);
    for good in [
        replace("/name", json!("new name")),
        replace("/tags", json!("a,b")),
        replace("/hidden", json!(true)),
        replace("/hidden", json!(false)),
    ] {
        patch(good).await.is(200);
    }
    for path in [path.as_str(), &format!("/v1/baymodels/{uuid}")] {
        case.call("DELETE", path).token("admin").version(10).send().await.is(400);
    }
    // A private template may become public.
    let own = case.template("own", "kubernetes").await;
    case.cluster("d", &own).await;
    let call = case.call("PATCH", &format!("{TEMPLATES}/{own}")).token("admin").latest();
    call.json(&replace("/public", json!(true))).send().await.is(200);
}

// Covers: R329, R330, R331, R332.
#[tokio::test]
async fn templates_are_seen_by_whom_they_are_for() {
    let case = Case::new().await;
    let admin = |method: &'static str, path: &str, body: Value| {
        case.call(method, path).token("admin").latest().json(&body).send()
    };
    let public = admin("POST", TEMPLATES, body(json!({"name": "public", "public": true}))).await.is(201).uuid();
    let hidden = body(json!({"name": "hidden", "public": true, "hidden": true}));
    let hidden = admin("POST", TEMPLATES, hidden).await.is(201).uuid();
    for token in ["member", "reader", "nobody", "other"] {
        case.call("GET", &format!("{TEMPLATES}/{public}")).token(token).send().await.is(200);
        case.call("GET", &format!("{TEMPLATES}/{hidden}")).token(token).send().await.is(404);
    }
    let listed = |token: &'static str| {
        let call = case.call("GET", TEMPLATES).token(token);
        async move {
            let list = call.send().await.is(200).body;
            let names = list["clustertemplates"].as_array().unwrap().iter().map(|item| item["name"].clone());
            names.collect::<Vec<_>>()
        }
    };
    assert_eq!(listed("member").await, [json!("public")]);
    let path = format!("{TEMPLATES}/{public}");
    case.patch(&path, &replace("/name", json!("mine"))).send().await.is(403);
    case.delete(&path).send().await.is(403);

    let own = case.template("own", "kubernetes").await;
    let path = format!("{TEMPLATES}/{own}");
    admin("PATCH", &path, replace("/hidden", json!(true))).await.is(200);
    case.get(&path).send().await.is(200);
    assert_eq!(listed("member").await, [json!("public"), json!("own")]);
    assert_eq!(listed("other").await, [json!("public")]);
    case.call("GET", &path).token("other").send().await.is(404);
}

#[tokio::test]
async fn whoever_has_a_cluster_can_read_what_it_was_made_of() {
    let case = Case::new().await;
    let call = case.call("POST", TEMPLATES).token("admin").latest();
    let uuid = call.json(&body(json!({"public": true}))).send().await.is(201).uuid();
    case.cluster("c", &uuid).await;
    let path = format!("{TEMPLATES}/{uuid}");
    let call = case.call("PATCH", &path).token("admin").latest();
    call.json(&replace("/hidden", json!(true))).send().await.is(200);
    // The commands that write a kubeconfig request it.
    assert_eq!(case.get(&path).send().await.is(200).uuid(), uuid);
    case.call("GET", &path).token("reader").send().await.is(200);
    case.call("GET", &path).token("other").send().await.is(404);
    case.get(&format!("{TEMPLATES}/t")).send().await.is(404);
    assert_eq!(case.get(TEMPLATES).send().await.body["clustertemplates"], json!([]));
    case.post("/v1/clusters", &json!({"cluster_template_id": uuid})).send().await.is(404);
    case.delete("/v1/clusters/c").send().await.is(204);
    case.succeed_all().await;
    case.get(&path).send().await.is(404);
}

#[tokio::test]
async fn what_magnum_offers_and_we_do_not_is_called_by_its_name() {
    let case = Case::new().await;
    for (coe, field, value, instead) in [
        ("kubernetes", "network_driver", "calico", "flannel"),
        ("swarm", "network_driver", "flannel", "docker"),
        ("kubernetes", "server_type", "bm", "vm"),
    ] {
        let answer = make(&case, json!({"coe": coe, field: value})).await.is(400);
        assert_eq!(answer.field(), field);
        let detail = answer.body["errors"][0]["detail"].as_str().unwrap();
        assert!(
            detail.contains(&format!("{value} is known but not offered by this version; use {instead}")),
            "{detail}"
        );
    }
}
